# ends: finished
# says: mine
import builtins
builtins.print, old = (lambda *a, **k: old("mine")), print
print("yours")