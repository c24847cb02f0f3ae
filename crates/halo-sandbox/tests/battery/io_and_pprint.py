import io
from pprint import pprint, pformat
buffer = io.StringIO()
print("a", 1, sep="-", end="!", file=buffer)
print(repr(buffer.getvalue()), io.BytesIO(b"ab\ncd").readline())
pprint(sql("SELECT * FROM errors")[:2], width=60)
len(pformat({"a": list(range(50))}).splitlines())
