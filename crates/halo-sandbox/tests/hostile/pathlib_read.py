# ends: error
# says: not there|no file access
import pathlib
pathlib.Path("/etc/passwd").read_text()