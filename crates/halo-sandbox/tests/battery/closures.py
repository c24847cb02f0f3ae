def counter():
    seen = {}
    def add(key):
        seen[key] = seen.get(key, 0) + 1
        return seen
    return add
add = counter()
for row in sql("SELECT tool_name FROM tool_calls"):
    totals = add(row["tool_name"])
sorted(totals.items())
