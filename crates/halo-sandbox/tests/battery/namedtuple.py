from collections import namedtuple
Row = namedtuple("Row", "trace_id tool failed", defaults=[False])
rows = [Row(r["trace_id"], r["tool_name"], r["failed"]) for r in sql("SELECT * FROM tool_calls")]
print(rows[0], rows[0]._asdict(), rows[0]._replace(failed=True).failed, Row("a", "b"))
{r.tool for r in rows if r.failed} == {r[1] for r in rows if r[2]}
