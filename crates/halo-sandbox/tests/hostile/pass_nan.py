# ends: error
# says: NaN and infinity
echo(float("nan"))