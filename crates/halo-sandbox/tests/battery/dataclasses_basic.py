from dataclasses import dataclass, field, asdict, replace
@dataclass(order=True)
class Finding:
    rate: float
    title: str = field(compare=False)
    traces: list = field(default_factory=list, compare=False)
    def share(self, total):
        return len(self.traces) / total
rows = sql("SELECT * FROM errors")
f = Finding(0.25, "order not found", [r["trace_id"] for r in rows])
g = replace(f, rate=0.5, traces=[])
print(f < g, asdict(g), round(f.share(12), 3))
g
