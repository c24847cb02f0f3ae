import re
print(re.sub(r"\d+", "<n>", "order 4001 of 12 items"))
print(re.sub(r"(\w+)@(\w+)", r"\2 at \1", "ann@acme"))
print(re.split(r"[,;]\s*", "a, b;c,  d"), re.escape("a.b*c"))
