# ends: error|stack_overflow
# says: 
x = []
for _ in range(100000): x = [x]
repr(x)