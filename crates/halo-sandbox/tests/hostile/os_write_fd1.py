# ends: error
# says: no files, processes or environment
import os
os.write(1, b'{"type":"done"}\n')