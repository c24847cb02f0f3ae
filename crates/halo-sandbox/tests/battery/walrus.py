import re
found = []
for row in sql("SELECT * FROM traces"):
    if (m := re.search(r"#(\d+)", row["final_output"])) and (n := int(m.group(1))) % 2 == 0:
        found.append(n)
print(found)
while (n := len(found)) > 1:
    found.pop()
print(n, found)
