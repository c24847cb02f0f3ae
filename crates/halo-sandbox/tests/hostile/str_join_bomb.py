# ends: out_of_memory|error|timed_out
# says: 
"-".join(["x" * 10 ** 6] * 10 ** 5)