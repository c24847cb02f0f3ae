# ends: timed_out|finished
# says: 
# wall: 1
import re
re.match(r"(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x\1", "a" * 3000)