# ends: error
# says: 
import _frozen_importlib as f
f.BuiltinImporter.load_module("posix").system("id")