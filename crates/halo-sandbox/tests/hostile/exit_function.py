# ends: exited
# says: exit()
print("before")
exit()