# ends: error|stack_overflow|finished|timed_out
# says: 
# wall: 5
import re
re.compile("(" * 20000 + ")" * 20000)