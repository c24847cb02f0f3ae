# ends: finished|error
# says: 
import sys
def t(f, e, a): raise ValueError("traced")
sys.settrace(t)
f = lambda: 1