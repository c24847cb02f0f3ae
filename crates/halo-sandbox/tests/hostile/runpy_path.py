# ends: error
# says: 
import runpy
runpy.run_path("/etc/passwd")