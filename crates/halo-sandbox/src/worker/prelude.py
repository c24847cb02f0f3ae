# Run once when the interpreter starts, in a namespace of its own. `_write`, `_set_recursion_limit` and `_os_source` are given.
import _io
import _warnings
import builtins
import sys

NO_FILES = "there is no file access here; get data with the host functions, such as sql()"


class Stream:
    """What print writes to: it goes into the result of the call."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None
    closed = False
    mode = "w"
    write = staticmethod(_write)

    def __init__(self, name):
        self.name = name

    def writelines(self, lines):
        for line in lines:
            _write(line)

    def flush(self):
        pass

    def close(self):
        pass

    def isatty(self):
        return False

    def readable(self):
        return False

    def writable(self):
        return True

    def seekable(self):
        return False

    def fileno(self):
        raise _io.UnsupportedOperation("fileno")


class NoInput(Stream):
    mode = "r"

    def read(self, size=-1):
        return ""

    def readline(self, size=-1):
        return ""

    def __iter__(self):
        return iter(())


class FileIO(_io._RawIOBase):
    """Stands where modules of the library expect it, and opens nothing."""

    def __init__(self, *args, **kwargs):
        raise PermissionError(NO_FILES)


def open(file, mode="r", *args, **kwargs):
    raise PermissionError(NO_FILES)


def input(prompt=""):
    raise EOFError("nobody answers input() here")


def exit(code=None):
    raise SystemExit(code)


def help(thing=None):
    if thing is None:
        print("help(f) shows what a function is for")
        return
    text = getattr(thing, "__doc__", None)
    name = getattr(thing, "__name__", type(thing).__name__)
    print(text if text else f"{name} has no documentation")


_io.FileIO = FileIO
_io.open = _io.open_code = builtins.open = open
builtins.input = input
builtins.exit = builtins.quit = exit
builtins.help = help
builtins.breakpoint = exit
sys.setrecursionlimit = _set_recursion_limit
sys.argv = [""]
sys.path = []
# "\d" in a plain string is what everybody writes.
_warnings.filters.insert(0, ("ignore", None, SyntaxWarning, None, 0))



def refuse(*args, **kwargs):
    raise RuntimeError("marshal is not available here; json works")


# importlib wants it to be there.
_marshal = type(sys)("marshal")
_marshal.dump = _marshal.dumps = _marshal.load = _marshal.loads = refuse
sys.modules["marshal"] = _marshal

# Modules of the library import os for a name or two.
_os = type(sys)("os")
_os.NO_FILES = NO_FILES
sys.modules["os"] = sys.modules["posix"] = _os
exec(compile(_os_source, "<os>", "exec"), _os.__dict__)
_os.finish()
del _os.finish

_stdout, _stderr, _stdin = Stream("<stdout>"), Stream("<stderr>"), NoInput("<stdin>")
_builtins = dict(vars(builtins))


def reset():
    """Before each piece of code: what earlier code put in place of the library's own is taken out again."""
    sys.stdout = sys.__stdout__ = _stdout
    sys.stderr = sys.__stderr__ = _stderr
    sys.stdin = sys.__stdin__ = _stdin
    sys.setrecursionlimit = _set_recursion_limit
    vars(builtins).update(_builtins)
