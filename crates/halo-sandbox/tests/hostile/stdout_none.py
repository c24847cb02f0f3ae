# ends: finished
# says: 
import sys
sys.stdout = None
print("lost")