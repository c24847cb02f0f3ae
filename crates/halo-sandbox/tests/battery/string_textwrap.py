import string, textwrap
text = " ".join(r["final_output"] for r in sql("SELECT * FROM traces")[:3])
print(textwrap.fill(text, 40))
print(textwrap.shorten(text, 30), string.ascii_lowercase[:3], string.Template("$a of $b").substitute(a=1, b=2))
print("Hello, World".translate(str.maketrans("", "", string.punctuation)).casefold(), textwrap.dedent("  a\n  b"))
