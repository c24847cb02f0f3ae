# ends: error|stack_overflow
# says: 
x, y = [], []
for _ in range(100000): x, y = [x], [y]
x == y