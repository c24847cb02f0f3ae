# ends: error
# says: can't be passed
echo(x for x in range(3))