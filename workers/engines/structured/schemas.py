"""The JSON schema that is enforced, from the one that a client sent. Pure.

Objects are closed: where a schema names properties and does not say whether there may be others, there are none. With
open ones a model invents keys, and a small model never ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models.modalities.chat.tools import FunctionSpec
from models.modalities.schemas import DATA, MAPS, relaxed, target

_SAYS = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_LISTS = ("allOf", "anyOf", "oneOf")
_MOST_REFERENCES = 64
"""Longest chain of references that is followed to find an object's pieces. What has a longer one stays open."""
_MOST_JOINED = 20_000
"""Most names of properties that are copied from the pieces of objects to their tops; after that objects stay open."""
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def enforced(schema: Any, *, strict: bool) -> Any:
    """The schema that an answer is held to. ``strict``: all of it, or it is refused when it is compiled."""
    return _Closing(schema if strict else relaxed(schema).schema).whole()


def arguments_schema(function: FunctionSpec) -> dict[str, Any]:
    """The schema that the arguments of a forced call are held to: an object, and an empty one without parameters."""
    if not function.parameters:
        return _NOTHING
    held: dict[str, Any] = enforced({**function.parameters, "type": "object"}, strict=bool(function.strict))
    return held


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Of a schema and all that applies to the same object: the properties that it names, and those that it requires.

    ``says``: whether it says something of other properties.
    """

    names: dict[str, None]
    required: dict[str, None]
    says: bool


class _Closing:
    """Closes the objects of one schema. A piece of an object that has several is closed with the others, at the top."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[int, _Pieces] = {}
        self._depth = 0
        self._copied = 0
        self._shared: set[int] = set()  # what is referred to as a piece of another object, and stays open

    def whole(self) -> Any:
        """The schema with its objects closed."""
        self._find_shared(self._root, piece=False)
        return self._close(self._root, piece=False)

    def _find_shared(self, schema: Any, *, piece: bool) -> None:
        for key, one in _below(schema):
            self._find_shared(one, piece=key in _LISTS and (piece or self._is_pieced(schema)))
        if isinstance(schema, dict) and (piece or self._is_pieced(schema)):
            self._share(self._target(schema))

    def _share(self, target: Any) -> None:
        while isinstance(target, dict) and id(target) not in self._shared:
            self._shared.add(id(target))
            for key, one in _below(target):
                if key in _LISTS:
                    self._share(one)
            target = self._target(target)

    def _close(self, schema: Any, *, piece: bool) -> Any:
        if isinstance(schema, list):
            return [self._close(one, piece=piece) for one in schema]
        if not isinstance(schema, dict):
            return schema
        piece = piece or id(schema) in self._shared
        pieced = self._is_pieced(schema)
        out = {key: self._inner(key, value, piece=piece or pieced) for key, value in schema.items()}
        about = self._pieces(schema)
        if not piece and not about.says and (pieced or isinstance(schema.get("properties"), dict)):
            out["properties"] = {**dict.fromkeys(about.names | about.required, True), **out.get("properties", {})}
            out["additionalProperties"] = False
        return out

    def _inner(self, key: str, value: Any, *, piece: bool) -> Any:
        if key in DATA:
            return value
        if key in MAPS and isinstance(value, dict):
            return {name: self._close(one, piece=False) for name, one in value.items()}
        return self._close(value, piece=piece and key in _LISTS)

    def _is_pieced(self, schema: Any) -> bool:
        """Whether two or more of its parts name properties of the same object."""
        if not isinstance(schema, dict):
            return False
        parts = [isinstance(schema.get("properties"), dict), bool(self._pieces(self._target(schema)).names)]
        parts += [bool(self._pieces(one).names) for one in _list(schema, "allOf")]
        parts += [any(self._pieces(one).names for one in _list(schema, key)) for key in ("anyOf", "oneOf")]
        return sum(parts) > 1

    def _pieces(self, schema: Any) -> _Pieces:
        if not isinstance(schema, dict):
            return _Pieces({}, {}, False)
        known = self._known.get(id(schema))
        if known is None:
            deep = self._depth >= _MOST_REFERENCES
            known = self._known[id(schema)] = _Pieces({}, {}, deep)  # for one that refers to itself
            if not deep:
                self._depth += 1
                known = self._known[id(schema)] = self._joined(schema)
                self._depth -= 1
        return known

    def _joined(self, schema: dict[str, Any]) -> _Pieces:
        some = [self._pieces(one) for key in _LISTS for one in _list(schema, key)]
        some.append(self._pieces(self._target(schema)))
        own, required = schema.get("properties"), _list(schema, "required")
        names = dict.fromkeys(own if isinstance(own, dict) else ())
        needed = {one: None for one in required if isinstance(one, str)}
        for one in some:
            more = len(one.names) + len(one.required)
            if more and self._copied + more > _MOST_JOINED:
                return _Pieces(names, needed, True)
            self._copied += more
            names |= one.names
            needed |= one.required
        return _Pieces(names, needed, any(key in schema for key in _SAYS) or any(one.says for one in some))

    def _target(self, schema: dict[str, Any]) -> Any:
        """What a schema refers to within the root; None where it does not."""
        pointer = schema.get("$ref")
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return None
        return target(self._root, pointer)


def _below(schema: Any) -> Iterator[tuple[str, Any]]:
    """The schemas right below this one, each with its keyword."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key in DATA:
            continue
        if key in MAPS and isinstance(value, dict):
            yield from ((key, one) for one in value.values())
        elif isinstance(value, list):
            yield from ((key, one) for one in value)
        else:
            yield key, value


def _list(schema: dict[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []
