# ends: error
# says: 
import sys
del sys.modules["os"], sys.modules["posix"]
import os
os.system("id")