# ends: error
# says: no file access
import codecs
codecs.open("/etc/passwd")