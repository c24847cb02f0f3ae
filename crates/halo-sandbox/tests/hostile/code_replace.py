# ends: error
# says: replace
f = lambda: 1
f.__code__ = f.__code__.replace(co_code=b"\x7c\xff" * 8)
f()