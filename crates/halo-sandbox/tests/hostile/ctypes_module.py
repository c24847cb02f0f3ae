# ends: error
# says: no file access
import ctypes
ctypes.CDLL(None)