# ends: error
# says: more than 64 bits
echo(2 ** 100)