# ends: error
# says: keys of a dict
echo({(1, 2): 3})