# ends: finished
# says: 
import gc
print(len([o for o in gc.get_objects() if type(o).__name__ == "socket"]))