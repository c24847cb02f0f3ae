rows = sql("SELECT * FROM tool_calls")
rows.sort(key=lambda r: (-r["duration_ms"], r["trace_id"]))
for r in rows[:5]:
    print(r["trace_id"], r["tool_name"], r["duration_ms"])
max(rows, key=lambda r: r["step"])["trace_id"]
