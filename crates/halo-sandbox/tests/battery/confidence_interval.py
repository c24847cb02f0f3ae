from math import sqrt
def wilson(hits, n, z=1.96):
    if n == 0: return (0.0, 1.0)
    p = hits / n
    d = 1 + z * z / n
    middle, half = (p + z * z / (2 * n)) / d, z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return round(middle - half, 4), round(middle + half, 4)
rows = sql("SELECT * FROM traces")
for model in sorted({r["model"] for r in rows}):
    mine = [r for r in rows if r["model"] == model]
    bad = sum(r["outcome"] == "failure" for r in mine)
    print(f"{model:<12} {bad}/{len(mine)} {wilson(bad, len(mine))}")
