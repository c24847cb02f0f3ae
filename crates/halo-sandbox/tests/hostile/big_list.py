# ends: error|out_of_memory
# says: 
[0] * 10 ** 10