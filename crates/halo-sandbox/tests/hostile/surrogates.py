# ends: finished
# says: 
print("\ud800")