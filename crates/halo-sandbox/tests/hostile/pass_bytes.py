# ends: error
# says: type bytes can't be passed
echo(b"x")