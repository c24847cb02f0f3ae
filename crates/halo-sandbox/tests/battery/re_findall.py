import re
text = "\n".join(r["final_output"] for r in sql("SELECT * FROM traces"))
print(re.findall(r"#(\d{4})", text))
print(re.findall(r"(?i)\b(flight) ([A-Z]{2})(\d+)", text)[:2])
pattern = re.compile(r"^(?P<verb>\w+) .*?(?P<n>\d+)", re.M)
print([m.groupdict() for m in pattern.finditer(text)][:2])
