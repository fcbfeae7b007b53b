"""Text completions, as ``POST /v1/completions`` of the OpenAI API."""

from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import Bool, Int, Several, Tokens, Usage
from models.modalities.text import Choice, Delta, RunningUsage, TextRequest, TokenLogprob

_json = msgspec.json.Encoder()

MOST_CHOICES = 128
"""Most choices of one request, over all its prompts: as many as OpenAI's ``n`` allows for one prompt."""

DEFAULT_TOKENS = 16
"""Most tokens of an answer whose request does not say, as at OpenAI."""

MOST_SCORED = 1 << 16
"""Most tokens of prompts whose log probabilities one answer gives, over all its choices: some 15 MB of JSON."""

_SHORTEST = 2
"""Characters of a token, at least on average: what texts are counted by where their tokens are not known yet."""

Prompt = Annotated[Tokens, Field(min_length=1)]


class Request(TextRequest):
    """Body of a text completion. Choices are numbered prompt by prompt, ``n`` to each."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = TextRequest.INERT | {"suffix": ("",)}

    prompt: str | Prompt | Annotated[Several[str] | Several[Prompt], Field(min_length=1, max_length=MOST_CHOICES)]
    logprobs: Annotated[Int, Field(ge=0, le=5)] | None = None
    echo: Bool = False
    max_tokens: Annotated[Int, Field(ge=-1, le=1 << 24)] | None = Field(
        None, description="16 unless it is given; -1: as many as the context has room for; 0: none, with 'echo'"
    )
    best_of: Annotated[Int, Field(ge=1, le=20)] | None = None
    suffix: Any = None

    @model_validator(mode="after")
    def _best_of_is_n(self) -> "Request":
        if self.best_of is not None and self.best_of != self.choices:
            raise PydanticCustomError(
                "unsupported_parameter", "'best_of' other than 'n' is not supported", {"param": "best_of"}
            )
        return self

    @model_validator(mode="after")
    def _bounded(self) -> "Request":
        count = len(self.prompts)
        if count * self.choices > MOST_CHOICES:
            why = "a request has {most} choices at most, and 'n' of {n} for {count} prompts makes {all}"
            numbers = {"most": MOST_CHOICES, "n": self.choices, "count": count, "all": count * self.choices}
            raise PydanticCustomError("invalid_value", why, numbers | {"param": "n"})
        return self

    @model_validator(mode="after")
    def _scorable(self) -> "Request":
        if self.max_tokens == 0 and not self.echo:
            raise PydanticCustomError("invalid_value", "0 tokens need 'echo'", {"param": "max_tokens"})
        if self.scored and self._echoed > MOST_SCORED:
            why = "an answer has the log probabilities of {most} tokens of its prompts at most; ask for fewer at once"
            raise PydanticCustomError("invalid_value", why, {"most": MOST_SCORED, "param": "prompt"})
        return self

    @property
    def scored(self) -> bool:
        """Whether the answer has the log probabilities of the prompt's own tokens."""
        return self.echo and self.logprobs is not None

    @property
    def generates(self) -> bool:
        """Whether anything follows the prompt."""
        return self.max_tokens != 0

    @property
    def token_limit(self) -> int | None:
        """See ``TextRequest``. OpenAI's default is another one here than for chats."""
        if self.max_tokens is None:
            return DEFAULT_TOKENS
        return None if self.max_tokens == -1 else self.max_tokens

    @property
    def _echoed(self) -> int:
        """Tokens of the prompts, once for each choice: counted where they are ids, estimated where they are text."""
        tokens = (len(prompt) // _SHORTEST if isinstance(prompt, str) else len(prompt) for prompt in self.prompts)
        return sum(tokens) * self.choices

    @property
    def prompts(self) -> list[str] | list[list[int]]:
        """The prompts, as texts or as token ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [self.prompt]
        return self.prompt

    @property
    def prefix(self) -> str:
        """See ``BaseRequest``."""
        return str(self.prompts[0])

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        generated = super().budget * len(self.prompts) if self.generates else 0
        return generated + self._echoed if self.scored else max(1, generated)


class Reply:
    """Makes the ``text_completion`` events or object. Offsets are in characters of the choice's text."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._request = request
        self._choices: dict[int, Choice] = {}
        self._offsets: dict[int, int] = {}
        self._shared = {"id": f"cmpl-{rid}", "object": "text_completion", "created": created}
        self._shared["model"] = request.model
        self._head = b"data: " + _json.encode(self._shared)[:-1]
        self._head += b',"usage":null' if request.wants_usage else b""
        self._running = RunningUsage() if request.wants_running_usage else None

    def start(self) -> bytes:
        """Nothing: a completion has no role to announce."""
        return b""

    def delta(self, delta: Delta) -> bytes:
        """One chunk; nothing if the answer is not streamed."""
        if not self._request.stream:
            self._choices.setdefault(delta.index, Choice()).add(delta)
            return b""
        choice = {
            "index": delta.index,
            "text": delta.text,
            "logprobs": self._logprobs(delta.index, delta.logprobs),
            "finish_reason": delta.finish,
        }
        if self._running is not None:
            self._running.add(delta)
            chunk = self._shared | {"choices": [choice], "usage": self._running.to_json()}
            return b"data: " + _json.encode(chunk) + b"\n\n"
        return self._head + b',"choices":[' + _json.encode(choice) + b"]}\n\n"

    def end(self, usage: Usage, result: Any = None) -> bytes:
        """The usage chunk where asked for, and ``[DONE]``; or the whole answer."""
        if not self._request.stream:
            return _json.encode(self._answer(usage))
        last = b"data: [DONE]\n\n"
        if self._request.wants_usage:
            body = self._shared | {"choices": [], "usage": usage.to_json()}
            last = b"data: " + _json.encode(body) + b"\n\n" + last
        return last

    def _answer(self, usage: Usage) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "text": "".join(choice.text),
                "logprobs": self._logprobs(index, tuple(choice.logprobs)),
                "finish_reason": choice.finish,
            }
            for index, choice in sorted(self._choices.items())
        ]
        return self._shared | {"choices": choices, "usage": usage.to_json()}

    def _logprobs(self, index: int, tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
        if self._request.logprobs is None or not tokens:
            return None
        offsets = []
        for one in tokens:
            offsets.append(self._offsets.get(index, 0))
            self._offsets[index] = offsets[-1] + _length(one)
        return {
            "tokens": [_name(one) for one in tokens],
            "token_logprobs": [one.logprob for one in tokens],
            # The likeliest tokens, and the token itself if it is not among them, as in OpenAI's answers.
            # The first token of a prompt has none.
            "top_logprobs": [
                None if one.logprob is None else {_name(other): other.logprob for other in (*one.top, one)}
                for one in tokens
            ],
            "text_offset": offsets,
        }


def _name(one: TokenLogprob) -> str:
    """The token's text; for a piece of a character its bytes, as in OpenAI's answers: as text all pieces look alike."""
    return "bytes:" + "".join(f"\\x{byte:02x}" for byte in one.raw) if one.raw else one.token


def _length(one: TokenLogprob) -> int:
    """How many characters begin in this token."""
    return sum(byte & 0xC0 != 0x80 for byte in one.raw) if one.raw else len(one.token)
