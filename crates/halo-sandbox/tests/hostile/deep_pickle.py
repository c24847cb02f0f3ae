# ends: error|stack_overflow|finished
# says: 
import copy
x = []
for _ in range(100000): x = [x]
copy.deepcopy(x)