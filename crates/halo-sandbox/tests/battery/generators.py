def steps(rows):
    last = None
    for row in rows:
        if row["trace_id"] != last:
            last = row["trace_id"]
            yield f"-- {last}"
        yield row["tool_name"]
lines = steps(sql("SELECT * FROM tool_calls"))
print(next(lines), next(lines))
print(sum(1 for _ in lines))
def numbers():
    got = yield 1
    yield got * 2
g = numbers(); next(g)
print(g.send(21), list(x * x for x in range(4)))
