from collections import Counter
from itertools import groupby
sequences = {k: [r["tool_name"] for r in g] for k, g in groupby(sql("SELECT * FROM tool_calls"), key=lambda r: r["trace_id"])}
pairs = Counter(p for s in sequences.values() for p in zip(s, s[1:]))
for (a, b), n in sorted(pairs.items(), key=lambda kv: (-kv[1], kv[0]))[:4]:
    print(f"{a} -> {b}: {n}")
loops = [t for t, s in sequences.items() if len(s) != len(set(s))]
loops
