calls = sql("SELECT * FROM tool_calls")
by_trace = {t: [c["tool_name"] for c in calls if c["trace_id"] == t] for t in sorted({c["trace_id"] for c in calls})}
print({t: len(names) for t, names in by_trace.items()})
print([(a, b) for a in range(3) for b in range(a) if a + b > 1])
print({c["tool_name"] for c in calls if c["failed"]} <= {c["tool_name"] for c in calls})
