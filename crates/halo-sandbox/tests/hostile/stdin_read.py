# ends: finished
# says: ''
import sys
sys.stdin.read()