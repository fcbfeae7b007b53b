"""What chat and completions share: the sampling fields, and the engine's events."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.modalities.base import BaseRequest, Bool, Float, Int, Tokens, Usage, at_most, streaming_only
from models.modalities.json_object import JsonObject
from models.modalities.structure import StructuredOutputs, fold_guided
from models.validation import OLDER_NAMES

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]

BLANKS = " \t\r\n"
"""White space, which some models write between tool calls, where it means nothing."""

MOST_BIASES = 1 << 14
"""Most tokens of ``logit_bias``."""

COLDEST = 1e-5
"""A temperature below this counts as zero, as with vLLM: dividing by it would overflow."""

Limit = Annotated[Int, Field(ge=1, le=1 << 24)]
"""Most tokens of a choice."""

ServiceTier = Literal["auto", "default", "flex", "scale", "priority"]
"""OpenAI's words for how soon a request is answered. There is one tier here."""
PLAIN_TIERS = (None, "auto", "default")

Stop = Annotated[str, Field(min_length=1, max_length=1024)]


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token and its natural-log probability, with the likeliest alternatives, best first.

    The first token of a prompt has no probability, as nothing comes before it. ``raw`` are its bytes where they are not
    text, but a piece of a character; ``token`` then has U+FFFD.
    """

    token: str
    logprob: float | None
    top: tuple["TokenLogprob", ...] = ()
    raw: bytes = b""

    @property
    def octets(self) -> list[int]:
        """Its bytes. Those of all tokens, joined, are the text."""
        return list(self.raw or self.token.encode())


@dataclass(frozen=True, slots=True)
class ToolDelta:
    """A piece of one tool call. ``index`` counts the calls of a choice.

    The first piece of each call has its id and name; when it comes, all earlier calls are complete. ``arguments`` is a
    piece of JSON text; the pieces of a call, joined, are an object.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """What an engine made for one choice in one step. ``finish`` is set once, on the choice's last delta.

    On that delta ``stop`` is the stop string that ended the choice; empty if none did, or if it is not known which.
    ``prompt_tokens`` is set where it is known by then, for protocols that have it before the end.
    """

    text: str = ""
    index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    tokens: int = 1
    reasoning: str = ""
    tools: tuple[ToolDelta, ...] = ()
    stop: str = ""
    prompt_tokens: int = 0

    @property
    def plain(self) -> bool:
        """Whether it is text and nothing else, like nearly all deltas."""
        return self.finish is None and not (self.logprobs or self.reasoning or self.tools)


@dataclass(slots=True)
class RunningUsage:
    """The tokens of a stream so far, over all its choices. Those of the prompt are 0 until the engine knows them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, delta: Delta) -> None:
        """Count what the engine made."""
        self.prompt_tokens = delta.prompt_tokens or self.prompt_tokens
        self.completion_tokens += delta.tokens

    def to_json(self) -> dict[str, Any]:
        """OpenAI's ``usage`` object."""
        return Usage(self.prompt_tokens, self.completion_tokens).to_json()


@dataclass(slots=True)
class ToolCall:
    """A whole tool call. ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are complete."""
        try:
            msgspec.json.decode(self.arguments)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True


@dataclass(slots=True)
class Choice:
    """One choice of an answer that is not streamed, as it grows."""

    text: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: FinishReason | None = None
    reasoning: list[str] = field(default_factory=list)
    tools: dict[int, ToolCall] = field(default_factory=dict)

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls. The last is left out where the answer was cut within it."""
        calls = [call for _, call in sorted(self.tools.items())]
        return calls[:-1] if calls and self.finish != "tool_calls" and not calls[-1].is_whole else calls

    def add(self, delta: Delta) -> None:
        """Append what the engine made."""
        self.text.append(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        for piece in delta.tools:
            call = self.tools.setdefault(piece.index, ToolCall(piece.id, piece.name))
            call.arguments += piece.arguments
        self.logprobs.extend(delta.logprobs)
        self.finish = delta.finish or self.finish


class StreamOptions(JsonObject):
    """OpenAI's ``stream_options``, with vLLM's ``continuous_usage_stats``: usage in every chunk.

    Nothing is obfuscated, whatever ``include_obfuscation`` says.
    """

    include_usage: Bool = False
    include_obfuscation: Bool | None = None
    continuous_usage_stats: Bool = False


class TextRequest(BaseRequest):
    """Fields that chat and completions share."""

    PLATFORM: ClassVar[frozenset[str]] = frozenset(
        [
            "model",
            "stream",
            "stream_options",
            "user",
            "metadata",
            "safety_identifier",
            "prompt_cache_key",
            "messages",
            "prompt",
        ]
    )

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {
        "allowed_token_ids": (),
        "bad_words": ([],),
        "dry_multiplier": (0, 0.0),
        "dynatemp_range": (0, 0.0),
        "early_stopping": (False,),
        "include_stop_str_in_output": (False,),
        "length_penalty": (1, 1.0),
        "logits_processors": ([],),
        "mirostat": (0,),
        "priority": (0,),
        "prompt_logprobs": (),
        "return_token_ids": (False,),
        "return_tokens_as_token_ids": (False,),
        "samplers": (),
        "skip_special_tokens": (True,),
        "spaces_between_special_tokens": (True,),
        "thinking_token_budget": (),
        "truncate_prompt_tokens": (),
        "typical_p": (1, 1.0),
        "use_beam_search": (False,),
        "xtc_probability": (0, 0.0),
    }

    stream: Bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[Float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Float, Field(ge=0, le=1)] | None = Field(None, description="0: the likeliest token")
    top_k: Annotated[Int, Field(ge=-1, le=1 << 20)] | None = Field(None, description="0 and -1: all")
    min_p: Annotated[Float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[Float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[Float, Field(ge=-2, le=2)] | None = None
    repetition_penalty: Annotated[Float, Field(gt=0, le=2)] | None = None
    logit_bias: (
        Annotated[
            dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}$")], Annotated[Float, Field(ge=-100, le=100)]],
            at_most(MOST_BIASES),
        ]
        | None
    ) = None
    max_tokens: Limit | None = Field(None, description="-1: as many as the context has room for")
    min_tokens: Annotated[Int, Field(ge=0, le=1 << 24)] | None = Field(
        None, description="before so many tokens no end is picked, and no stop string ends the answer"
    )
    n: Annotated[Int, Field(ge=1, le=128)] | None = None
    seed: Annotated[Int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    ignore_eos: Bool = False
    stop_token_ids: Annotated[Tokens, Field(max_length=64)] | None = None
    lora_name: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="the LoRA adapter that answers, of those the model was launched with"
    )
    structured_outputs: StructuredOutputs | None = Field(
        None, description="what the answer must match: one of json, json_object, regex, choice and grammar"
    )

    allowed_token_ids: Any = None
    bad_words: Any = None
    dry_multiplier: Any = None
    dynatemp_range: Any = None
    early_stopping: Any = None
    include_stop_str_in_output: Any = None
    length_penalty: Any = None
    logits_processors: Any = None
    mirostat: Any = None
    priority: Any = None
    prompt_logprobs: Any = None
    return_token_ids: Any = None
    return_tokens_as_token_ids: Any = None
    samplers: Any = None
    skip_special_tokens: Any = None
    spaces_between_special_tokens: Any = None
    thinking_token_budget: Any = None
    truncate_prompt_tokens: Any = None
    typical_p: Any = None
    use_beam_search: Any = None
    xtc_probability: Any = None

    @model_validator(mode="before")
    @classmethod
    def _other_names(cls, value: Any) -> Any:
        """The body with other programs' names and values for the same.

        vLLM's older fields ``guided_…`` are put into ``structured_outputs``. llama.cpp and Xinference say
        ``repeat_penalty`` and ``n_predict``.
        """
        if not isinstance(value, dict):
            return value
        body = dict(value)
        for ours, theirs in OLDER_NAMES.items():
            value = body.pop(theirs, None)
            if value is not None and body.get(ours) is None:
                body[ours] = value
        return fold_guided(body)

    @field_validator("temperature")
    @classmethod
    def _cold(cls, value: float | None) -> float | None:
        return 0.0 if value is not None and value < COLDEST else value

    @field_validator("top_k")
    @classmethod
    def _all(cls, value: int | None) -> int | None:
        return 0 if value == -1 else value

    @model_validator(mode="after")
    def _likeliest(self) -> Self:
        """A ``top_p`` of 0 leaves the likeliest token alone, as a temperature of 0 does."""
        if self.top_p == 0:
            self.top_p, self.temperature = None, 0.0
        return self

    @field_validator("min_tokens")
    @classmethod
    def _none_at_least(cls, value: int | None) -> int | None:
        return value or None

    @model_validator(mode="after")
    def _least_below_most(self) -> Self:
        if self.min_tokens is not None and self.token_limit is not None and self.min_tokens > self.token_limit:
            why = "it is more than the most tokens that the answer may have"
            raise PydanticCustomError("invalid_value", why, {"param": "min_tokens"})
        return self

    @field_validator("stream_options")
    @classmethod
    def _needs_stream(cls, value: StreamOptions | None, info: ValidationInfo) -> StreamOptions | None:
        return streaming_only(value, info)

    @property
    def choices(self) -> int:
        """How many choices are asked for each prompt."""
        return self.n or 1

    @property
    def stops(self) -> list[str]:
        """The stop strings, as a list."""
        if self.stop is None:
            return []
        return [self.stop] if isinstance(self.stop, str) else self.stop

    @property
    def token_limit(self) -> int | None:
        """Most tokens that each choice may have; None: as many as the context has room for."""
        return self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with a usage chunk."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def wants_running_usage(self) -> bool:
        """Whether every chunk of a stream is to have the usage so far."""
        return self.wants_usage and self.stream_options is not None and self.stream_options.continuous_usage_stats

    @property
    def budget(self) -> int:
        """See ``BaseRequest``."""
        return (self.token_limit or 256) * self.choices
