# ends: finished|stack_overflow
# says: 
x = []
for _ in range(1000000): x = [x]
x = None