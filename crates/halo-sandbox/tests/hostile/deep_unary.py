# ends: stack_overflow|error|finished
# says: 
eval("-" * 100000 + "1")