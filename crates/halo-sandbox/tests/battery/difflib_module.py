import difflib
a, b = "You are a helpful agent.\nNever book twice.".splitlines(), "You are a helpful agent.\nBook at most twice.".splitlines()
print("\n".join(difflib.unified_diff(a, b, "v1", "v2", lineterm="")))
print(round(difflib.SequenceMatcher(None, "get_order", "get_orders").ratio(), 3), difflib.get_close_matches("get_ordr", ["get_order", "book_flight"]))
