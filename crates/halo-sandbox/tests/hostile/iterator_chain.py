# ends: error|stack_overflow|finished
# says: 
it = iter([])
for _ in range(100000): it = map(str, it)
list(it)