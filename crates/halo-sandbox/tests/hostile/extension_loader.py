# ends: error
# says: 
from importlib.machinery import ExtensionFileLoader
ExtensionFileLoader("x", "/lib/x86_64-linux-gnu/libc.so.6").load_module()