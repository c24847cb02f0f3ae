# ends: error
# says: type set can't be passed
echo({1, 2})