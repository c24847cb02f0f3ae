# ends: finished
# says: characters left out
"x" * 10 ** 7