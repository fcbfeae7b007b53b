"""Where a model stops that was launched with ``stop`` or ``stop_token_ids``, and the request does not say it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from models.launching.options.text import StopOptions


@dataclass(frozen=True, slots=True)
class Stops:
    """The texts, and the ids of tokens, at which answers end by default."""

    texts: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()

    def into(self, request: Any, honours: Collection[str]) -> None:
        """Put them into a request that stops nowhere by itself. ``honours``: the fields that the engine honours."""
        for name, value in (("stop", self.texts), ("stop_token_ids", self.ids)):
            if value and name in honours and hasattr(request, name) and not getattr(request, name):
                setattr(request, name, list(value))


NOWHERE = Stops()


def taken(options: Mapping[str, Any], model_type: str) -> tuple[Stops, dict[str, Any]]:
    """The stops among the options of a launch, and the others, which are the engine's. Raises InvalidRequest."""
    names = StopOptions.model_fields if model_type == "LLM" else ()
    read = StopOptions.read({name: value for name, value in options.items() if name in names})
    rest = {name: value for name, value in options.items() if name not in names}
    return Stops(tuple(read.stop), tuple(read.stop_token_ids)), rest
