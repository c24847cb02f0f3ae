# ends: error
# says: contains itself
d = {}
d["d"] = d
echo(d)