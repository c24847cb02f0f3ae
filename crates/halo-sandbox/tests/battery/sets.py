calls = sql("SELECT * FROM tool_calls")
failed = {r["trace_id"] for r in calls if r["failed"]}
every = {r["trace_id"] for r in sql("SELECT * FROM traces")}
print(sorted(every - failed), len(failed & every), failed.issubset(every), sorted({1, 2} ^ {2, 3}), frozenset("ab") == {"a", "b"})
