from itertools import groupby, chain, islice, accumulate, pairwise
calls = sql("SELECT * FROM tool_calls")
for trace_id, group in islice(groupby(calls, key=lambda r: r["trace_id"]), 3):
    print(trace_id, [r["step"] for r in group])
print(list(accumulate([1, 2, 3])), list(chain([1], [2, 3])))
repeats = sum(1 for a, b in pairwise(calls) if a["tool_name"] == b["tool_name"])
repeats
