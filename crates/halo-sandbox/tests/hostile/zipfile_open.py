# ends: error
# says: 
import zipfile
zipfile.ZipFile("/tmp/x.zip", "w")