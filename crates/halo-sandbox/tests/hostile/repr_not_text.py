# ends: error
# says: 
class A:
    def __repr__(self): return 7
A()