import json
def kind(result):
    match result:
        case {"ok": True}: return "fine"
        case {"ok": False, "error": str(text)} if "404" in text: return "missing"
        case [first, *_]: return f"list of {first}"
        case int() | float(): return "number"
        case None: return "nothing"
        case _: return "other"
kinds = [kind(json.loads(r["result"])) for r in sql("SELECT * FROM tool_calls")]
print(kinds.count("fine"), kinds.count("missing"), kind([3, 4]), kind(2.5), kind(None), kind("x"))
