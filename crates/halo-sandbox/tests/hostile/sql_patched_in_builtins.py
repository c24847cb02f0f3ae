# ends: finished
# says: patched
import builtins
builtins.sql = lambda q: "patched"
print(sql("x"))