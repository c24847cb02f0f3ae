from operator import itemgetter, attrgetter
rows = sorted(sql("SELECT * FROM traces"), key=itemgetter("outcome", "model"))
print([(r["outcome"], r["model"], r["trace_id"]) for r in rows][:4])
order = {"failure": 0, "unknown": 1, "success": 2}
print([r["trace_id"] for r in sorted(rows, key=lambda r: order[r["outcome"]])][:6], sorted("bAc", key=str.lower), list(reversed([1, 2])))
