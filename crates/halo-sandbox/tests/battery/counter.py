from collections import Counter
calls = sql("SELECT * FROM tool_calls")
c = Counter(r["tool_name"] for r in calls)
failed = Counter(r["tool_name"] for r in calls if r["failed"])
print(sorted(c.items()), failed.most_common(1)[0][1], sum(c.values()), c["nothing"])
print(sorted((c - failed).items()), sorted((failed + failed).items()))
