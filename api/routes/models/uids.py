"""``{uid:uid}`` in a route's path: the uid of a model, which may have slashes, as in ``/v1/models/org/name/progress``.

A route that ends with it must come after those that go on behind it.
"""

from typing import Annotated

from fastapi import Path
from starlette.convertors import Convertor, register_url_convertor


class UidConvertor(Convertor[str]):
    """Any text that does not end with a slash: ``/v1/models/`` is the list of models."""

    regex = ".*[^/]"

    def convert(self, value: str) -> str:
        """The uid in a path, which is decoded before it gets here."""
        return value

    def to_string(self, value: str) -> str:
        """The uid as a part of a path."""
        return value


register_url_convertor("uid", UidConvertor())

Uid = Annotated[str, Path(description="the model's uid")]
