# ends: error|out_of_memory|finished
# says: 
f"{1:>{10 ** 11}}"