# ends: finished
# says: 
import sys
f = sys._getframe()
while f: last, f = f, f.f_back
print(sorted(k for k in last.f_globals if "socket" in k))