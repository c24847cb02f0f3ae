# ends: out_of_memory|error|timed_out|finished
# says: 
import zlib
z = zlib.compress(b"0" * 10 ** 7)
x = [zlib.decompress(z) for _ in range(10 ** 4)]