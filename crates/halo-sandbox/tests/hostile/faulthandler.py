# ends: error
# says: 
import faulthandler
faulthandler._sigsegv()