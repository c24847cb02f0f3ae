# ends: error
# says: 
import _io
f = _io.FileIO.__new__(_io.FileIO)
f.read()