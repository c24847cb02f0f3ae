a = {"x": 1} | {"y": 2}
a |= {"x": 5}
print(a, a.pop("y"), a.setdefault("z", []), list(a.items()), dict(zip("ab", [1, 2])), dict.fromkeys("ab", 0))
rows = {r["trace_id"]: r for r in sql("SELECT * FROM traces")}
print("t05" in rows, rows.get("t99"), len(rows), next(iter(rows)))
