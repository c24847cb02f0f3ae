def line(*cells, sep=" | ", **extra):
    return sep.join(str(c) for c in cells) + "".join(f" {k}={v}" for k, v in sorted(extra.items()))
row = sql("SELECT * FROM traces")[0]
print(line(row["trace_id"], row["model"], outcome=row["outcome"], spans=row["span_count"]))
args, kw = ["a", "b"], {"sep": "/"}
line(*args, **kw)
