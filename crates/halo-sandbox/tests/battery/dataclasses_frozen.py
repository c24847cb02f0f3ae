from dataclasses import dataclass, FrozenInstanceError, fields
from collections import Counter
@dataclass(frozen=True)
class Key:
    tool: str
    failed: bool = False
counts = Counter(Key(r["tool_name"], r["failed"]) for r in sql("SELECT * FROM tool_calls"))
for key, n in sorted(counts.items(), key=lambda kv: (kv[0].tool, kv[0].failed)):
    print(key, n)
try:
    key.tool = "x"
except FrozenInstanceError as e:
    print("frozen:", e)
[f.name for f in fields(Key)]
