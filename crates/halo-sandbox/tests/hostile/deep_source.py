# ends: stack_overflow|error
# says: 
exec("a" + "[0" * 50000 + "]" * 50000)