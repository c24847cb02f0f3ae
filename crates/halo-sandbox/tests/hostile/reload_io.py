# ends: error
# says: no file access|has no attribute|not there
import sys, importlib
del sys.modules["_io"]
import _io
_io.FileIO("/etc/passwd")