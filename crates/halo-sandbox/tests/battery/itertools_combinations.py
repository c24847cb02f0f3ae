from itertools import combinations, product, permutations, zip_longest, takewhile, count
tools = sorted({r["tool_name"] for r in sql("SELECT * FROM tool_calls")})
print(list(combinations(tools, 2))[:3], len(list(permutations(tools, 2))), list(product("ab", [1, 2])))
print(list(zip_longest([1, 2], "a", fillvalue="-")), list(takewhile(lambda n: n < 4, count(1))))
