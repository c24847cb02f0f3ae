# ends: error
# says: no files, processes or environment
__import__("os").system("id")