"""One choice of an answer: from the tokens that transformers makes to the deltas that the client gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from models.modalities import chat, completions
from models.modalities.text import Delta, FinishReason, TokenLogprob
from workers.engines.text.answers import Piece, Splitter
from workers.engines.text.stops import StopScanner
from workers.engines.transformers.detokenizer import Detokenizer
from workers.engines.transformers.sampling import Sampling
from workers.engines.transformers.vocabulary import Name, named_all


@dataclass(eq=False, slots=True)
class Choice:
    """One choice: its rules, and how far it is. ``ends``: token ids that end it; ``limit``: most tokens it may have.

    Stop strings are looked for in all that the model writes, including thoughts and tool calls, but not in the tokens
    that it must have at least.
    """

    id: str
    index: int
    limit: int
    ends: frozenset[int]
    sampling: Sampling
    words: Detokenizer
    scanner: StopScanner
    splitter: Splitter | None = None
    seen: int = 0  # tokens taken from the manager
    read: int = 0  # tokens read
    delivered: int = 0  # tokens that are counted in the deltas so far

    @property
    def broken(self) -> bool:
        """Whether the next token is not valid, since the grammar allowed none."""
        return self.sampling.broke_at is not None and self.read >= self.sampling.broke_at

    def take(self, token: int, prompt_tokens: int, name_of: Callable[[int], Name]) -> tuple[Delta | None, bool]:
        """Read one token. Returns the delta for the sink, if any, and whether the choice was cut here.

        Of a choice that was cut transformers does not know that it has ended. ``prompt_tokens`` are the request's.
        """
        self.read += 1
        finish: FinishReason | None = None
        if token in self.ends:
            text, finish = self.words.flush(), "stop"
        else:
            text = self.words.feed(token)
            if self.read >= self.limit:
                text, finish = text + self.words.flush(), "length"
        text, cut = self.scanner.feed(text) if self.read > self.sampling.least else (text, False)
        cut, finish = cut and finish is None, "stop" if cut else finish
        if finish is not None and not self.scanner.met:
            text += self.scanner.flush()
        piece = Piece(text)
        if self.splitter is not None:
            piece = self.splitter.feed(text)
            if finish is None and self.splitter.full:
                cut, finish = True, "stop"
            if finish is not None:
                piece += self.splitter.flush()
                finish = "tool_calls" if self.splitter.called and finish == "stop" else finish
        logprobs = self._logprobs(name_of)
        if not (piece or logprobs or finish):
            return None, False
        tokens, self.delivered = self.read - self.delivered, self.read
        delta = Delta(
            piece.text,
            self.index,
            logprobs,
            finish,
            tokens,
            piece.reasoning,
            piece.tools,
            stop=self.scanner.met,
            prompt_tokens=prompt_tokens,
        )
        return delta, cut

    def _logprobs(self, name: Callable[[int], Name]) -> tuple[TokenLogprob, ...]:
        if self.sampling.logprobs is None:
            return ()
        return tuple(named_all(name, [self.sampling.picks.popleft()]))


def sampling_of(
    body: chat.Request | completions.Request,
    advised: Mapping[str, Any],
    prompt: list[int],
    number: int,
    ends: list[int],
) -> Sampling:
    """How the tokens of a request's choice of this number are picked. ``advised``: by the model, where it says nothing.

    ``prompt`` and ``ends`` are token ids.
    """
    logprobs = body.logprobs
    if isinstance(body, chat.Request):
        logprobs = (body.top_logprobs or 0) if body.logprobs else None
    wanted = {
        "temperature": body.temperature,
        "top_p": body.top_p,
        "top_k": body.top_k,
        "min_p": body.min_p,
        "repetition": body.repetition_penalty,
        "frequency": body.frequency_penalty,
        "presence": body.presence_penalty,
    }
    rules = {**advised, **{name: value for name, value in wanted.items() if value is not None}}
    return Sampling(
        **rules,
        bias={int(token): value for token, value in (body.logit_bias or {}).items()},
        least=body.min_tokens or 0,
        ends=ends,
        logprobs=logprobs,
        random=Random(None if body.seed is None else f"{body.seed}/{number}"),  # noqa: S311
        prompt=prompt,
    )
