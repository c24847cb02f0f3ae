# A module named os without an operating system: the text functions of paths work, the rest says why it does not.
import abc
import sys

name = "posix"
sep = "/"
altsep = None
extsep = "."
pathsep = ":"
curdir = "."
pardir = ".."
defpath = ""
devnull = "/dev/null"
linesep = "\n"
SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2
error = OSError
environ = {}


def getenv(key, default=None):
    return default


def fspath(path):
    if isinstance(path, (str, bytes)):
        return path
    try:
        return type(path).__fspath__(path)
    except AttributeError:
        raise TypeError(f"expected str, bytes or a path, not {type(path).__name__}") from None


def fsencode(path):
    path = fspath(path)
    return path if isinstance(path, bytes) else path.encode()


def fsdecode(path):
    path = fspath(path)
    return path if isinstance(path, str) else path.decode()


class PathLike(abc.ABC):
    @abc.abstractmethod
    def __fspath__(self):
        raise NotImplementedError

    @classmethod
    def __subclasshook__(cls, other):
        return hasattr(other, "__fspath__") if cls is PathLike else NotImplemented


def urandom(size):
    import _random

    return _random.Random().getrandbits(8 * size).to_bytes(size, "big") if size else b""


def cpu_count():
    return 1


def getpid():
    return 1


def _no_files(*args, **kwargs):
    raise PermissionError(NO_FILES)


stat = lstat = open = listdir = scandir = walk = getcwd = _no_files


def __getattr__(name):
    raise AttributeError(
        f"os.{name} is not there: this Python has no files, processes or environment. "
        "Get data with the host functions, such as sql()"
    )


def finish():
    import posixpath

    globals()["path"] = posixpath
    sys.modules["os.path"] = posixpath
