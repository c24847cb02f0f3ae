import re
seen = {}
def name(m):
    return seen.setdefault(m.group(0), f"<id{len(seen) + 1}>")
for r in sql("SELECT * FROM errors"):
    print(re.sub(r"\b\d{4}\b", name, r["message"]))
len(seen)
