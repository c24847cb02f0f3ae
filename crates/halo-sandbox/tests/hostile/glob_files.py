# ends: finished|error
# says: []|not there|no file
import glob
glob.glob("/etc/*")