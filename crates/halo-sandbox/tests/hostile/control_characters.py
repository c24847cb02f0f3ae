# ends: finished
# says: 
print("\x1b[2J\x00\u202e")