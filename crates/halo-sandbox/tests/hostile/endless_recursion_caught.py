# ends: interrupted|timed_out
# says: time was up
# wall: 1
def f():
    try: f()
    finally: f()
f()