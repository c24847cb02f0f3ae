import json
row = sql("SELECT * FROM traces")[0]
attributes = json.loads(row["attributes"])
print(attributes["release"], attributes.get("missing", "-"))
text = json.dumps({"id": row["trace_id"], "a": attributes, "n": [1, 2.5, None, True], "t": "ü…"}, sort_keys=True, indent=2)
print(text)
print(json.dumps("ü", ensure_ascii=False), json.loads(text)["n"], json.dumps({1: (2, 3)}, separators=(",", ":")))
