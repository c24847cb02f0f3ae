# ends: out_of_memory|interrupted|timed_out
# says: 
# wall: 20
x = list(range(10 ** 9))