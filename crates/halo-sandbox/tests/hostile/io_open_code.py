# ends: error
# says: no file access
import io
io.open_code("/etc/passwd")