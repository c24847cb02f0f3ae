from functools import reduce, lru_cache, partial, cmp_to_key
@lru_cache(maxsize=None)
def distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))
print(distance("get_order", "get_orders"), distance("book", "back"))
print(reduce(lambda a, b: a | b, [{1}, {2}, {1, 3}]), partial(round, ndigits=1)(2.345))
sorted([3, 1, 2], key=cmp_to_key(lambda a, b: b - a))
