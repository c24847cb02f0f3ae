# ends: interrupted|timed_out
# says: time was up
# wall: 1
while True: print("y" * 1000)