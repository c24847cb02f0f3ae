# ends: finished|error
# says: 
import sys
sys.stdout = None
print("lost")