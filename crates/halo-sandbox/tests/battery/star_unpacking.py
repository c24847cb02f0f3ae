first, *middle, last = [r["trace_id"] for r in sql("SELECT * FROM traces")]
print(first, len(middle), last)
head = [*middle[:2], "…", *[last]]
merged = {**{"a": 1, "b": 2}, **{"b": 3}}
(a, (b, *c)), d = (1, (2, 3, 4)), 5
print(head, merged, a, b, c, d)
