import math
values = [r["duration_ms"] for r in sql("SELECT * FROM traces")]
mean = math.fsum(values) / len(values)
sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
print(round(mean, 3), round(sd, 3), math.ceil(mean), math.floor(-1.5), math.isclose(0.1 + 0.2, 0.3), math.comb(10, 3))
print(round(math.log2(1024), 6), math.gcd(84, 36), math.inf > 1e308, math.isnan(math.nan), round(math.exp(1), 5), math.factorial(20))
