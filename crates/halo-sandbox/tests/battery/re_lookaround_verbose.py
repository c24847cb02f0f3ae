import re
p = re.compile(r"""
    (?<=HTTP\ )   # after the word
    (\d{3})       # status
    (?=:)
""", re.VERBOSE)
print({p.search(r["message"]).group(1) for r in sql("SELECT * FROM errors")})
print(re.fullmatch(r"(ab)+?c?", "ababc").span(), re.match(r"(a)|(b)", "b").groups())
