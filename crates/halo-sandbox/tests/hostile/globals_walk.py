# ends: finished
# says: 
names = set()
for c in object.__subclasses__():
    f = getattr(c.__init__, "__globals__", {})
    names |= {k for k in f if k in ("subprocess", "socket", "ctypes")}
print(sorted(names))