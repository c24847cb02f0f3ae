# ends: error
# says: no file access
open("/tmp/halo-was-here", "w").write("x")