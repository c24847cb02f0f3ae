import random
rows = sql("SELECT * FROM traces")
random.seed(7)
sample = random.sample(rows, 4)
print(len(sample), len({r["trace_id"] for r in sample}), all(0 <= random.random() < 1 for _ in range(100)))
a = random.Random(3); b = random.Random(3)
print([a.randint(1, 6) for _ in range(5)] == [b.randint(1, 6) for _ in range(5)], random.choice([4]))
order = list(range(10)); random.shuffle(order)
sorted(order) == list(range(10))
