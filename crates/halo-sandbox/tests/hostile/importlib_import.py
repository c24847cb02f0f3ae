# ends: error
# says: no files, processes or environment
import importlib
importlib.import_module("posix").fork()