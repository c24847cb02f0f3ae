# ends: timed_out|finished
# says: 
# wall: 1
import re
re.match(r"(a+)+$", "a" * 40 + "b")