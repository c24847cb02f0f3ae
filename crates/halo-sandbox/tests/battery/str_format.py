for row in sql("SELECT * FROM traces")[:3]:
    print("{0[trace_id]:>5} {0[outcome]:<8} {1:8.1f} ms".format(row, row["duration_ms"]))
print("{:,} {:.0%} {name}".format(1234567, 0.5, name="done"))
