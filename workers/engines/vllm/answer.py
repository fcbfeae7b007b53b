"""One answer of vLLM's serving layer, read event by event into a sink. Importing this needs vLLM."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pydantic import ValidationError
from vllm.entrypoints.serve import create_error_response
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.exceptions import VLLMClientError

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.modalities.base import Usage
from models.modalities.chat.messages import Media
from models.modalities.structure import Constraint
from models.modalities.text import Delta
from workers.engines.base import Sink
from workers.engines.vllm import wire

Call = Callable[[], Awaitable[Any]]
"""Asks vLLM: its answer, a stream of server-sent events, or an ``ErrorResponse``."""


def checked(cls: Callable[..., Any], fields: dict[str, Any]) -> Any:
    """One of vLLM's own objects. Raises InvalidRequest where its rules are broken."""
    try:
        return cls(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidRequest(
            f"vLLM: {name}: {first['msg']}" if name else str(first["msg"]), param=name or None
        ) from error
    except VLLMClientError as error:
        raise wire.refusal(_refusal(create_error_response(error)), "messages") from error


async def answered(
    call: Awaitable[Any], field: str = "messages", constraint: Constraint | None = None, context: int = 0
) -> Any:
    """What vLLM answers. Raises our error for its: whose fault it is, it knows best itself."""
    try:
        found = await call
    except HeadraceError:
        raise
    except Exception as error:
        raise wire.refusal(_refusal(create_error_response(error)), field, constraint, context) from error
    if isinstance(found, ErrorResponse):
        raise wire.refusal(_refusal(found), field, constraint, context)
    return found


def _refusal(response: Any) -> wire.VllmRefusal:
    said = response.error
    return wire.VllmRefusal(said.message, said.type, said.code, said.param)


class Nowhere:
    """A sink that nobody reads."""

    rid = ""
    media: Sequence[Media] = ()

    def delta(self, delta: Delta) -> None:
        """Nothing."""

    def part(self, part: Any) -> None:
        """Nothing."""

    def done(self, usage: Usage, result: Any = None) -> None:
        """Nothing."""

    def fail(self, error: HeadraceError) -> None:
        """Nothing."""


class Answer:
    """A request on its way to its sink. ``field`` holds its prompt, for which there is a ``context``."""

    def __init__(self, sink: Sink, field: str, constraint: Constraint | None, context: int) -> None:
        self._sink = sink
        self._field = field
        self._constraint = constraint
        self._context = context

    async def read(self, calls: Sequence[tuple[wire.Choices, Call]]) -> None:
        """Read all of these at once, until all are done. Raises HeadraceError for the first that fails."""
        if len(calls) == 1:
            found = [await self._stream(*calls[0])]
        else:
            found = await self._together(calls)
        prompt, completion, cached = (
            sum(getattr(usage, name) for usage in found)
            for name in ("prompt_tokens", "completion_tokens", "cached_tokens")
        )
        self._sink.done(Usage(prompt, completion, cached))

    async def _together(self, calls: Sequence[tuple[wire.Choices, Call]]) -> list[wire.VllmUsage]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._stream(*call)) for call in calls]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _stream(self, choices: wire.Choices, call: Call) -> wire.VllmUsage:
        events = await answered(call(), self._field, self._constraint, self._context)
        usage = None
        try:
            async for event in events:
                chunk = wire.decode(event)
                if chunk is None:
                    break
                if chunk.error is not None:
                    raise wire.refusal(chunk.error, self._field, self._constraint, self._context)
                for delta in choices.deltas(chunk):
                    self._sink.delta(delta)
                if not chunk.choices:
                    usage = chunk.usage
        finally:
            await events.aclose()  # after an error, vLLM is to stop too
        if usage is None:
            raise EngineFailure("vLLM ended an answer without its usage")
        return usage
