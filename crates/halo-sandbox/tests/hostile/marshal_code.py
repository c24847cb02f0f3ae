# ends: error
# says: marshal is not available
import marshal
exec(marshal.loads(b"\xe3"))