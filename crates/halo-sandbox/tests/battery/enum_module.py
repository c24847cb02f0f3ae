from enum import Enum, IntEnum, auto
class Outcome(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"
    @property
    def bad(self):
        return self is not Outcome.SUCCESS
class Level(IntEnum):
    LOW = auto()
    HIGH = auto()
values = [Outcome(r["outcome"]) for r in sql("SELECT * FROM traces")]
print(sum(v.bad for v in values), [o.name for o in Outcome], Outcome["FAILURE"].value, Level.HIGH > Level.LOW, Level.LOW + 1)
