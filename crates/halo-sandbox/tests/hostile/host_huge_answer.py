# ends: error
# says: at most 32 fit
huge()