# ends: finished|timed_out|interrupted|stack_overflow
# says: 
# wall: 2
class A:
    def __del__(self): A()
a = A()
del a