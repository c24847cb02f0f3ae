# ends: finished|stack_overflow
# says: 
x = []
for _ in range(300000): x = [x]
x = None