s = "  Order #4001: NOT found  "
print(s.strip().lower().partition(":"), s.count("O"), s.find("#"), s.split(), "a-b-c".rsplit("-", 1))
print("x".center(5, "*"), "7".zfill(3), "abc".startswith(("x", "a")), "a,b".replace(",", ";"), "ß".upper(), "tEst".title(), "abc"[::-1])
print("line one\nline two".splitlines(), "k=v".removeprefix("k="), "é".encode("utf-8"), b"\xc3\xa9".decode(), ord("a"), chr(8364))
