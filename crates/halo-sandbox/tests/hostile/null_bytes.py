# ends: error
# says: 
exec("a = 1\x00b")