import csv, io
out = io.StringIO()
w = csv.DictWriter(out, fieldnames=["trace_id", "outcome"], extrasaction="ignore", lineterminator="\n")
w.writeheader()
w.writerows(sql("SELECT * FROM traces")[:3])
print(out.getvalue(), end="")
for row in csv.DictReader(io.StringIO('a,b\n1,"x, y"\n')):
    print(row["a"], row["b"])
