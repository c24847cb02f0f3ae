# ends: error|out_of_memory|timed_out
# says: 
# wall: 2
f"{1:>{10 ** 11}}"