rows = sql("SELECT * FROM traces")
def share(rows, outcome):
    hits = [r for r in rows if r["outcome"] == outcome]
    return len(hits) / len(rows) if rows else 0.0
for outcome in ("success", "failure", "unknown"):
    print(outcome, f"{share(rows, outcome):.1%}")
