def load(text):
    try:
        value = int(text)
    except ValueError as error:
        raise RuntimeError(f"bad id {text!r}") from error
    else:
        return value
print(load("12"))
try:
    load("x1")
except RuntimeError as error:
    print(error, "|", type(error.__cause__).__name__)
