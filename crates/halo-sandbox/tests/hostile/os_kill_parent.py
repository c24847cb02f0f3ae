# ends: error
# says: no files, processes or environment
import os
os.kill(os.getppid(), 9)