# ends: error
# says: 
import sys
sys.stdout.buffer.write(b"{}\n")