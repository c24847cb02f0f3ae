# ends: timed_out
# says: time was up
# wall: 1
import time
time.sleep(10 ** 6)