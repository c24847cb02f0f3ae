import json
from datetime import date
try:
    json.loads('{"a": 1,}')
except json.JSONDecodeError as e:
    print("bad JSON at", e.lineno, e.pos > 0)
print(json.dumps({"d": date(2026, 3, 1), "s": {3}}, default=lambda x: sorted(x) if isinstance(x, set) else str(x)))
ok = [json.loads(r["result"])["ok"] for r in sql("SELECT * FROM tool_calls")]
print(ok.count(False), len(ok))
