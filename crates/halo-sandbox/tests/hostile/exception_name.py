# ends: error
# says: 
raise type("E" * 10 ** 6, (Exception,), {})("x")