# ends: finished
# says: ran and printed nothing
import sys, io
sys.stdout = io.StringIO()
print("lost")