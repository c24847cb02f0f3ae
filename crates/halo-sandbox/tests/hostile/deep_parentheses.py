# ends: stack_overflow|error
# says: 
eval("(" * 100000 + ")" * 100000)