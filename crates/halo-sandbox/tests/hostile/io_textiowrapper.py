# ends: error
# says: 
import io
io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w"))).write("forged")