# ends: error
# says: Hint: there are no files
import subprocess
subprocess.run(["id"])