# ends: out_of_memory|error
# says: 
s = "ab"
while True:
    s += s