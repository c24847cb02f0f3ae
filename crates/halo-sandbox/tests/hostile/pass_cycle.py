# ends: error
# says: contains itself
a = []
a.append(a)
echo(a)