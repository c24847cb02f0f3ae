# ends: timed_out
# says: time was up
# wall: 1
while True:
    try:
        while True: pass
    except BaseException:
        pass