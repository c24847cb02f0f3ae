# ends: finished|error
# says: 
class A:
    def __hash__(self): return 1
    def __eq__(self, o): raise RuntimeError("eq")
try:
    {A(): 1, A(): 2}
except RuntimeError as e: print(e)