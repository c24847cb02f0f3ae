# ends: error|out_of_memory
# says: 
bytearray(10 ** 11)