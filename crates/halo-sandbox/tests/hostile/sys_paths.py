# ends: finished
# says: '' []
import sys
print(repr(sys.executable), sys.path, sys.prefix, sys.argv[1:])