class BadTrace(Exception):
    def __init__(self, trace_id, why):
        super().__init__(f"{trace_id}: {why}")
        self.trace_id = trace_id
problems = []
for row in sql("SELECT * FROM traces"):
    try:
        if row["cost_usd"] is None:
            raise BadTrace(row["trace_id"], "no cost")
    except BadTrace as error:
        problems.append((error.trace_id, str(error)))
problems
