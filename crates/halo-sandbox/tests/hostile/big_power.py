# ends: timed_out|out_of_memory
# says: 
# wall: 1
10 ** 10 ** 8