# ends: error
# says: no files, processes or environment
import os
while True: os.fork()