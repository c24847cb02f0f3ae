# ends: timed_out|interrupted|out_of_memory
# says: 
# wall: 3
import itertools
list(itertools.repeat(1))