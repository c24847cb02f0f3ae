# ends: stack_overflow|error|finished
# says: 
eval("+".join(["1"] * 100000))