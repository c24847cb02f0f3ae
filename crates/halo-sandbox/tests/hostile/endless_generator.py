# ends: interrupted|timed_out
# says: time was up
# wall: 1
import itertools
sum(1 for _ in itertools.count())