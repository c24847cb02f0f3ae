# ends: finished
# says: patched
sql = lambda q: "patched"
print(sql("x"))