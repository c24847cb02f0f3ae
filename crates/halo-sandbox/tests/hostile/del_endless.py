# ends: timed_out|interrupted|finished
# says: time was up|the time limit
# wall: 1
class A:
    def __del__(self):
        while True: pass
a = A()
del a