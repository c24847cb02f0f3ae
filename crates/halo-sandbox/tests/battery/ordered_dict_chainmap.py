from collections import OrderedDict, ChainMap
d = OrderedDict((r["model"], r["trace_id"]) for r in sql("SELECT * FROM traces"))
d.move_to_end("gpt-4o")
print(list(d), d.popitem(last=False)[0], len(d))
print(ChainMap({"a": 1}, {"a": 2, "b": 3})["b"])
