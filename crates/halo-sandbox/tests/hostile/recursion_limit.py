# ends: error
# says: can't be raised
import sys
sys.setrecursionlimit(10 ** 9)