# ends: error
# says: HaloError: the host said no
fail()