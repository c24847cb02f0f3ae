# ends: stack_overflow|error|finished
# says: 
eval("x" + ".a" * 100000)