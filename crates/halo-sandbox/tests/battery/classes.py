class Trace:
    kind = "trace"
    def __init__(self, row):
        self.id = row["trace_id"]
        self.tokens = row["input_tokens"]
    def __repr__(self):
        return f"Trace({self.id}, {self.tokens})"
    def __lt__(self, other):
        return self.tokens < other.tokens
    def __eq__(self, other):
        return self.id == other.id
    def __hash__(self):
        return hash(self.id)
traces = [Trace(r) for r in sql("SELECT * FROM traces")]
print(max(traces), min(traces), len(set(traces)), Trace.kind)
sorted(traces, reverse=True)[:2]
