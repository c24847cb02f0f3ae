# ends: error
# says: no file access
open("/etc/passwd").read()