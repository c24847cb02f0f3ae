class Check:
    def __init__(self, name):
        self.name = name
    def hits(self, row):
        raise NotImplementedError
    def count(self, rows):
        return sum(1 for r in rows if self.hits(r))
class Failed(Check):
    def __init__(self):
        super().__init__("failed")
    def hits(self, row):
        return row["failed"]
class Slow(Check):
    def __init__(self, ms):
        super().__init__(f"slower than {ms}")
        self.ms = ms
    def hits(self, row):
        return row["duration_ms"] > self.ms
rows = sql("SELECT * FROM tool_calls")
for check in (Failed(), Slow(70)):
    print(check.name, check.count(rows), isinstance(check, Check), [c.__name__ for c in type(check).__mro__])
