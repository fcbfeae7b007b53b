"""Drives an engine as the runner does, and remembers what it says."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

from models.errors import HeadraceError, InvalidRequest
from models.modalities import modality
from models.modalities.base import Usage
from models.modalities.chat.messages import Media
from models.modalities.text import Delta, TokenLogprob
from workers.engines.base import Engine


class Answer:
    """A sink that keeps all that is put in it, and objects to what may not be."""

    def __init__(self, rid: str, media: Sequence[Media] = ()) -> None:
        self.rid = rid
        self.deltas: list[Delta] = []
        self.usage: Usage | None = None
        self.error: HeadraceError | None = None
        self.result: Any = None
        self.parts: list[Any] = []
        self.media = media
        self.said = asyncio.Event()
        self.over = asyncio.Event()

    def delta(self, delta: Delta) -> None:
        """One more; none may follow a choice's last."""
        assert not self.over.is_set()
        assert delta.index not in self.finishes
        self.deltas.append(delta)
        self.said.set()

    def part(self, part: Any) -> None:
        """A part of the result."""
        assert not self.over.is_set()
        self.parts.append(part)

    def done(self, usage: Usage, result: Any = None) -> None:
        """The end."""
        assert not self.over.is_set()
        self.usage, self.result = usage, result
        self.over.set()

    def fail(self, error: HeadraceError) -> None:
        """The other end."""
        assert not self.over.is_set()
        self.error = error
        self.over.set()

    @property
    def finishes(self) -> dict[int, str]:
        """Why each choice ended."""
        return {one.index: one.finish for one in self.deltas if one.finish}

    def text(self, index: int = 0) -> str:
        """All that one choice said."""
        return "".join(one.text for one in self.deltas if one.index == index)

    def logprobs(self, index: int = 0) -> list[TokenLogprob]:
        """One choice's tokens."""
        return [token for one in self.deltas if one.index == index for token in one.logprobs]


class Driver:
    """A resident engine."""

    def __init__(self, name: str, engine: Engine[Any]) -> None:
        self.name = name
        self.engine = engine
        self.capacity = engine.capacity
        self._numbers = count()

    @property
    def real(self) -> bool:
        """Whether there are weights behind it."""
        return self.name != "echo"

    @property
    def talks(self) -> bool:
        """Whether they know language at large: those that see know a dozen sentences."""
        return self.name not in ("echo", "seeing")

    def check(self, kind: str, **fields: Any) -> Any:
        """A request of this modality, which the engine has agreed to."""
        if kind == "chat" and "content" in fields:
            fields["messages"] = [{"role": "user", "content": fields.pop("content")}]
        request: Any = modality(kind).request.model_validate({"model": "tested"} | fields)
        self.engine.check(request)
        return request

    def submit(self, kind: str, **fields: Any) -> Answer:
        """Begin a request."""
        media: Sequence[Media] = fields.pop("media", ())
        request = self.check(kind, **fields)
        answer = Answer(f"request-{next(self._numbers)}", media)
        try:
            getattr(self.engine, kind)(request, answer)
        except HeadraceError as error:  # the runner does the same
            answer.fail(error)
        return answer

    async def ask(self, kind: str, **fields: Any) -> Answer:
        """A whole answer, without error."""
        answer = self.submit(kind, **fields)
        await self.until_over(answer)
        assert answer.error is None, answer.error
        return answer

    async def refused(self, kind: str, **fields: Any) -> InvalidRequest:
        """The error of a request, which is the request's own fault."""
        answer = self.submit(kind, **fields)
        await self.until_over(answer)
        assert isinstance(answer.error, InvalidRequest), (answer.error, answer.text())
        return answer.error

    async def until_over(self, answer: Answer) -> None:
        """Wait for the end, whichever it is."""
        await asyncio.wait_for(answer.over.wait(), 100)

    async def until_said(self, answer: Answer, deltas: int) -> None:
        """Wait until an answer is under way."""
        async with asyncio.timeout(100):
            while len(answer.deltas) < deltas:
                answer.said.clear()
                await answer.said.wait()
