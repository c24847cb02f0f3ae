# ends: error
# says: no files, processes or environment
import os
os.abort()