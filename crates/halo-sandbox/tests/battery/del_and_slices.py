rows = sql("SELECT * FROM traces")
row = dict(rows[0]); del row["attributes"], row["final_output"]
print(sorted(row))
xs = list(range(10)); del xs[::3]; xs[1:3] = ["a", "b", "c"]
print(xs, xs[::-1][:2], xs[-2:])
