# ends: error
# says: no file access
import io
io.FileIO(1, "w")