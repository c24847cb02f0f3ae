# ends: error
# says: fileno
import sys
sys.stdout.fileno()