# ends: error
# says: no file access
print(open("/proc/self/environ").read())