rows = sql("SELECT * FROM traces")
print("%d traces, %.2f ms, %s, %5.1f%%, %-8s|%08.3f" % (len(rows), rows[0]["duration_ms"], rows[0]["model"], 12.345, "ab", 3.14159))
print("%(trace_id)s: %(outcome)s" % rows[1])
