"""What chat and completions share: the sampling fields, the engine's events, and the shape of usage."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.unicode import refuse_broken

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]

Int = Annotated[int, Strict()]
Float = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Bool = Annotated[bool, Strict()]
Stop = Annotated[str, Field(min_length=1, max_length=1024)]
TokenId = Annotated[int, Strict(), Field(ge=0, lt=1 << 31)]


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token and its natural-log probability, with the likeliest alternatives, best first."""

    token: str
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """What an engine made for one choice in one step. ``finish`` is set once, on the choice's last delta."""

    text: str = ""
    index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written by one request, over all its choices."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """OpenAI's ``usage`` object."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }


@dataclass(slots=True)
class Choice:
    """One choice of an answer that is not streamed, as it grows."""

    text: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: FinishReason | None = None

    def add(self, delta: Delta) -> None:
        """Append what the engine made."""
        self.text.append(delta.text)
        self.logprobs.extend(delta.logprobs)
        self.finish = delta.finish or self.finish


class StreamOptions(BaseModel):
    """OpenAI's ``stream_options``."""

    model_config = ConfigDict(extra="forbid")

    include_usage: Bool = False
    include_obfuscation: Literal[False] | None = None


class TextRequest(BaseModel):
    """Fields that chat and completions share. An unknown field is refused; so is a known one that we lack.

    ``INERT`` names OpenAI's fields that Headrace does not implement, with the values that ask for nothing.
    Everything else is refused with ``unsupported_parameter``, so that nothing is silently dropped.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())
    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {}
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
    """What Headrace itself honours, whatever the engine."""

    model: str = Field(min_length=1, max_length=256, description="uid of the model that answers")
    stream: Bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[Float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[Int, Field(ge=0, le=1 << 20)] | None = None
    min_p: Annotated[Float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[Float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[Float, Field(ge=-2, le=2)] | None = None
    repetition_penalty: Annotated[Float, Field(gt=0, le=2)] | None = None
    logit_bias: (
        dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}$")], Annotated[Float, Field(ge=-100, le=100)]] | None
    ) = None
    max_tokens: Annotated[Int, Field(ge=1, le=1 << 24)] | None = None
    n: Annotated[Int, Field(ge=1, le=128)] | None = None
    seed: Annotated[Int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    ignore_eos: Bool = False
    user: Annotated[str, Field(max_length=512)] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=True)

    @field_validator("stream_options")
    @classmethod
    def _needs_stream(cls, value: StreamOptions | None, info: ValidationInfo) -> StreamOptions | None:
        if value is not None and not info.data.get("stream"):
            raise PydanticCustomError("invalid_value", "only allowed when 'stream' is true")
        return value

    @field_validator("*")
    @classmethod
    def _inert_only(cls, value: Any, info: ValidationInfo) -> Any:
        allowed = cls.INERT.get(info.field_name or "")
        if allowed is not None and value is not None and not any(_same(value, one) for one in allowed):
            raise PydanticCustomError("unsupported_parameter", "this parameter is not supported")
        return value

    def asked(self) -> set[str]:
        """The fields in which the client asks for something: set, and neither default nor inert."""
        fields = type(self).model_fields
        named = self.model_fields_set - self.INERT.keys()
        return {name for name in named if getattr(self, name) not in (None, fields[name].default)}

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
        """Most tokens that each choice may have; None: what the context leaves."""
        return self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with a usage chunk."""
        return self.stream_options is not None and self.stream_options.include_usage


def _same(value: Any, allowed: Any) -> bool:
    return type(value) is type(allowed) and bool(value == allowed)
