# ends: timed_out|interrupted|error|finished
# says: 
# wall: 1
import threading
t = threading.Thread(target=lambda: [None for _ in iter(int, 1)])
t.start()
t.join()