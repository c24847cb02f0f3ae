# ends: error
# says: at most 32 fit|too much memory
echo(["x" * 10 ** 6] * 50)