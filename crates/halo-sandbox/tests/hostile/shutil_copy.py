# ends: error
# says: 
import shutil
shutil.copy("/etc/passwd", "/tmp/x")