# ends: error
# says: NaN and infinity
echo([1, {"a": float("inf")}])