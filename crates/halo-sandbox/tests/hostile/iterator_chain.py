# ends: error|stack_overflow|finished|timed_out|interrupted
# says: 
# wall: 5
it = iter([])
for _ in range(100000): it = map(str, it)
list(it)