# ends: interrupted
# says: time was up
# wall: 1
while True:
    pass