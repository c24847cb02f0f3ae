# ends: finished
# says: []
[c.__name__ for c in ().__class__.__bases__[0].__subclasses__() if c.__name__ in ("Popen", "socket", "DirEntry", "CDLL", "_wrap_close")]