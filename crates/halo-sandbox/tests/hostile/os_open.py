# ends: error
# says: no file access
import os
os.open("/proc/self/environ", 0)