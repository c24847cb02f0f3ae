# ends: finished
# says: False False
import os.path
print(os.path.exists("/etc/passwd"), os.path.isfile("/proc/self/environ"))