# ends: error|out_of_memory|timed_out
# says: 
# wall: 1
1 << (1 << 40)