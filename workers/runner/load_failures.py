"""What an error of a load means for the replica: whether another try is of use, and what its client is told."""

from models.errors import EngineFailure, HeadraceError, InvalidRequest


def meaning_of(error: Exception) -> tuple[HeadraceError, bool]:
    """The error as clients get it, and whether the load would always fail so.

    A library raises ``ValueError`` for what it does not take, and says why. The other errors of programs that read
    something unexpected (types, keys, divisions, its own kinds) mean broken files. Memory, disks, networks and devices
    may be better at the next try.
    """
    if isinstance(error, HeadraceError):
        return error, isinstance(error, InvalidRequest)
    if isinstance(error, ValueError):
        return InvalidRequest(str(error)), True
    passing = isinstance(error, OSError | MemoryError | RuntimeError)
    if passing and not isinstance(error, NotImplementedError | RecursionError):
        return EngineFailure(f"{type(error).__name__}: {error}"), False
    name = type(error).__name__
    return InvalidRequest(f"the weights, or the files that describe them, are broken ({name}): fetch them anew"), True
