from contextlib import contextmanager, suppress
log = []
class Section:
    def __init__(self, name): self.name = name
    def __enter__(self):
        log.append(f"> {self.name}")
        return self
    def __exit__(self, kind, error, trace):
        log.append(f"< {self.name} {kind.__name__ if kind else ''}".rstrip())
        return kind is KeyError
@contextmanager
def quiet(name):
    log.append("in " + name)
    try:
        yield len(log)
    finally:
        log.append("out " + name)
with Section("rows") as s, quiet("inner") as n:
    {}["missing"]
with suppress(ZeroDivisionError):
    1 / 0
print(log, n)
