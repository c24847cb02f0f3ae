# ends: finished|error
# says: 
import _thread
_thread.start_new_thread(print, ("in the same thread",))