# ends: error
# says: Hint: there are no files
import mmap
mmap.mmap(-1, 10)