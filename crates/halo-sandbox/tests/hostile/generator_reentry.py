# ends: error
# says: already executing
def g():
    yield next(it)
it = g()
next(it)