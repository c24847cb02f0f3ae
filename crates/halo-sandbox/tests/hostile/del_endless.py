# ends: timed_out|interrupted
# says: time was up
# wall: 1
class A:
    def __del__(self):
        while True: pass
a = A()
del a