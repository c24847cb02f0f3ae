# ends: error|stack_overflow
# says: 
import json
json.loads("[" * 100000)