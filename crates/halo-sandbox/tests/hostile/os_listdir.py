# ends: error
# says: no file access
import os
os.listdir("/")