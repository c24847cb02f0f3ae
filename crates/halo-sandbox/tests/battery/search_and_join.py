hits = search("could not find", limit=3)
traces = {r["trace_id"]: r for r in sql("SELECT * FROM traces")}
for hit in hits:
    print(hit["trace_id"], traces[hit["trace_id"]]["model"], hit["text"])
models = {}
for hit in search(pattern=r"could not find"):
    models.setdefault(traces[hit["trace_id"]]["model"], []).append(hit["trace_id"])
models
