def tally(rows):
    total = 0
    longest = None
    def visit(row):
        nonlocal total, longest
        total += row["duration_ms"]
        if longest is None or row["duration_ms"] > longest["duration_ms"]:
            longest = row
    for row in rows:
        visit(row)
    return total, longest["trace_id"], longest["step"]
print(tally(sql("SELECT * FROM tool_calls")))
