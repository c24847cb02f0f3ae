# ends: finished|error
# says: 
exec("ｘ = 1"); print(x)
"\N{SNOWMAN}"