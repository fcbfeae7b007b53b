"""Paths that are given to a command, as the server can read them: it runs in another folder."""

import os


def whole(text: str) -> str:
    """A path that is relative to the current folder, as a whole path; what is none as it is.

    What begins with ./ or ../ is a path, and so is whatever exists here; ``org/name`` else is a repository.
    """
    said = text in (".", "..") or text.startswith(("./", "../"))
    return os.path.abspath(text) if said or os.path.exists(text) else text
