# ends: error|out_of_memory
# says: 
'x' * 10 ** 10