# ends: timed_out|interrupted
# says: time was up
# wall: 1
class A:
    def __repr__(self):
        while True: pass
A()