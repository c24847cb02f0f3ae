# ends: timed_out|interrupted
# says: time was up
# wall: 1
class E(Exception):
    def __str__(self):
        while True: pass
raise E()