# ends: error
# says: 
import tempfile
tempfile.mkdtemp()