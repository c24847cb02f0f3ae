# ends: error
# says: surrogate
echo("\ud800")