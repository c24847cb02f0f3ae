# ends: finished
# says: characters left out
for i in range(50000): print("line", i)