# ends: error
# says: 
from importlib.machinery import SourceFileLoader
SourceFileLoader("x", "/etc/passwd").load_module()