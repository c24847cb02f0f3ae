# ends: finished
# says: characters left out
print("x" * 10 ** 7)