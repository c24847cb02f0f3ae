from typing import Any, Optional, TypedDict, NamedTuple, Callable, Iterable
class Row(TypedDict):
    trace_id: str
    outcome: str
class Pair(NamedTuple):
    left: int
    right: int = 2
def first(rows: Iterable[Row], test: Callable[[Row], bool]) -> Optional[Row]:
    return next((r for r in rows if test(r)), None)
def width(x: int | str | list[int]) -> int:
    return len(str(x))
print(first(sql("SELECT * FROM traces"), lambda r: r["outcome"] == "failure")["trace_id"], Pair(1), width([1, 2]))
