# ends: error
# says: characters left out
raise ValueError("x" * 10 ** 7)