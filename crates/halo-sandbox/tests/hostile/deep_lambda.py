# ends: stack_overflow|error|finished
# says: 
eval("lambda: " * 20000 + "1")