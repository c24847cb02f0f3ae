from collections import defaultdict
steps = defaultdict(list)
nested = defaultdict(lambda: defaultdict(int))
for r in sql("SELECT * FROM tool_calls"):
    steps[r["trace_id"]].append(r["tool_name"])
    nested[r["tool_name"]][r["failed"]] += 1
print(steps["t03"])
for tool in sorted(nested):
    print(tool, dict(sorted(nested[tool].items())))
