# ends: timed_out|interrupted
# says: 
# wall: 1
import math
math.factorial(10 ** 7)