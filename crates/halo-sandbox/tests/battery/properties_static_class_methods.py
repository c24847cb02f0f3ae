class Call:
    made = 0
    def __init__(self, row):
        self._row = row
        Call.made += 1
    @property
    def seconds(self):
        return self._row["duration_ms"] / 1000
    @staticmethod
    def is_read(name):
        return name.startswith(("get_", "search_"))
    @classmethod
    def all(cls, rows):
        return [cls(r) for r in rows]
calls = Call.all(sql("SELECT * FROM tool_calls"))
print(Call.made == len(calls), round(sum(c.seconds for c in calls), 3), Call.is_read("get_order"), Call.is_read("book"))
