# ends: finished
# says: caught the host said no
try: fail()
except HaloError as e: print("caught", e)