# ends: exited
# says: exit()
import sys
sys.exit(3)