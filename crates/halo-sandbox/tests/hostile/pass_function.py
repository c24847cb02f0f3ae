# ends: error
# says: can't be passed
echo(lambda: 1)