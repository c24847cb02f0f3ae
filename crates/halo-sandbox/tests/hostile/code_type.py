# ends: error
# says: 
import types
f = lambda: 1
types.CodeType(0, 0, 0, 0, 0, 0, b"\x99\x99", (), (), (), "", "", "", 0, b"", b"")