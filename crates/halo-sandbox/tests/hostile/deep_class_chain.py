# ends: error|stack_overflow|finished|timed_out|interrupted
# says: 
# wall: 5
c = object
for i in range(3000): c = type("C", (c,), {})
c()