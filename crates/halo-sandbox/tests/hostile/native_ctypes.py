# ends: error
# says: Hint: there are no files
import _ctypes