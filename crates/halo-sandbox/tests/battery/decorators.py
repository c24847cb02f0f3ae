import functools
def counted(f):
    @functools.wraps(f)
    def wrapper(*args):
        wrapper.calls += 1
        return f(*args)
    wrapper.calls = 0
    return wrapper
@counted
def tokens(text):
    """Rough number of tokens."""
    return len(text.split())
print(sum(tokens(r["final_output"]) for r in sql("SELECT * FROM traces")), tokens.calls, tokens.__name__, tokens.__doc__)
