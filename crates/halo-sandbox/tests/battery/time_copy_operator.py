import time, copy
began = time.time(); ticks = time.perf_counter()
rows = sql("SELECT * FROM traces")
deep = copy.deepcopy(rows); deep[0]["model"] = "changed"
shallow = copy.copy(rows); shallow.append(1)
print(rows[0]["model"], len(rows), len(shallow), time.time() >= began, time.perf_counter() >= ticks, time.strftime("%Y", time.gmtime(0)))
