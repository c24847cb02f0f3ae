# ends: timed_out|out_of_memory|error
# says: 
# wall: 1
str(7 ** (10 ** 7))