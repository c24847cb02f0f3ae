# ends: out_of_memory
# says: too much memory
d = {}
i = 0
while True:
    d[i] = "x" * 10 ** 6 + str(i)
    i += 1