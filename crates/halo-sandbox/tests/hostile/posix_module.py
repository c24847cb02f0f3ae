# ends: error
# says: no files, processes or environment
import posix
posix.system("id")