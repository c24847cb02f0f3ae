def parse(text):
    try:
        return json.loads(text)["id"]
    except (ValueError, KeyError) as error:
        return type(error).__name__
    finally:
        seen.append(text[:5])
import json
seen = []
print([parse(t) for t in ('{"id": 4}', "nonsense", '{"x": 1}')])
print(seen)
