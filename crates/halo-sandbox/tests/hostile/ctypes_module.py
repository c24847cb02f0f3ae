# ends: error
# says: Hint: there are no files
import ctypes
ctypes.CDLL(None)