# ends: error
# says: more than 50 calls
for _ in range(1000): echo(1)