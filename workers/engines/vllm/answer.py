"""Reads one answer of vLLM's serving layer, event by event, into a sink. Importing this needs vLLM."""

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
"""Asks vLLM. Returns its answer, a stream of server-sent events, or an ``ErrorResponse``."""


def checked(cls: Callable[..., Any], fields: dict[str, Any]) -> Any:
    """Make one of vLLM's own objects.

    Raises InvalidRequest where vLLM refuses a field, and EngineFailure where it could not look at a model's class: it
    does that in a process of its own, which may be killed, or find too little memory. Another try may succeed.
    """
    try:
        return cls(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        if "failed to be inspected" in str(first["msg"]):
            why = "the process in which vLLM looks at the class of the model failed; the log says more"
            raise EngineFailure(why) from error
        name = ".".join(map(str, first["loc"]))
        raise InvalidRequest(
            f"vLLM: {name}: {first['msg']}" if name else str(first["msg"]), param=name or None
        ) from error
    except VLLMClientError as error:
        raise wire.refusal(_refusal(create_error_response(error)), "messages") from error


async def answered(
    call: Awaitable[Any], field: str = "messages", constraint: Constraint | None = None, context: int = 0
) -> Any:
    """vLLM's answer. Raises Headrace's error for one of vLLM, which decides whether the request is at fault."""
    try:
        answer = await call
    except HeadraceError:
        raise
    except Exception as error:
        raise wire.refusal(_refusal(create_error_response(error)), field, constraint, context) from error
    if isinstance(answer, ErrorResponse):
        raise wire.refusal(_refusal(answer), field, constraint, context)
    return answer


def _refusal(response: Any) -> wire.VllmRefusal:
    error = response.error
    return wire.VllmRefusal(error.message, error.type, error.code, error.param)


class NullSink:
    """A sink that ignores everything that is put into it."""

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
    """Reads the answer to one request into its sink.

    ``field`` is the request's field that holds the prompt; ``context`` is the model's, in tokens.
    """

    def __init__(self, sink: Sink, field: str, constraint: Constraint | None, context: int) -> None:
        self._sink = sink
        self._field = field
        self._constraint = constraint
        self._context = context

    async def read(self, calls: Sequence[tuple[wire.Choices, Call]]) -> None:
        """Make all these calls at once, and read until all are done. Raises HeadraceError for the first that fails."""
        if len(calls) == 1:
            usages = [await self._stream(*calls[0])]
        else:
            usages = await self._together(calls)
        prompt, completion, cached = (
            sum(getattr(usage, name) for usage in usages)
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
                if choices.over or not chunk.choices:
                    usage = choices.usage(chunk)
                if choices.over:
                    break
        finally:
            await events.aclose()  # vLLM must stop after an error, and where we end the answer
        if usage is None:
            raise EngineFailure("vLLM ended an answer without its usage")
        return usage
