# ends: error
# says: 
class M(type):
    def __instancecheck__(self, o): raise SystemError("m")
class A(metaclass=M): pass
isinstance(1, A)