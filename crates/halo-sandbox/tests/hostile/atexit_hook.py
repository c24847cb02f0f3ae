# ends: finished
# says: 
import atexit
atexit.register(lambda: open("/tmp/x", "w"))