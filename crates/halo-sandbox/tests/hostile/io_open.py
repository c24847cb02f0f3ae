# ends: error
# says: no file access
import io
io.open("/etc/passwd")