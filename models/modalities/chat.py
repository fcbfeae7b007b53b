"""Chat completions, as ``POST /v1/chat/completions`` of the OpenAI API (reference of November 2026)."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from models.modalities.text import Bool, Choice, Delta, Int, TextRequest, TokenLogprob, Usage

_json = msgspec.json.Encoder()


class TextPart(BaseModel):
    """A piece of a message's content."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["developer", "system", "user", "assistant"]
    content: str | list[TextPart]
    name: Annotated[str, Field(max_length=64)] | None = None

    @property
    def text(self) -> str:
        """The content, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class ResponseFormat(BaseModel):
    """What form the answer must take. Engines without constrained decoding refuse all but ``text``."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class Request(TextRequest):
    """Body of a chat completion."""

    INERT: ClassVar[dict[str, tuple[Any, ...]]] = {
        "audio": (),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "modalities": (["text"],),
        "moderation": (),
        "parallel_tool_calls": (True,),
        "prediction": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": ("in_memory", "in-memory"),
        "reasoning_effort": ("none",),
        "service_tier": ("auto", "default"),
        "store": (False,),
        "tool_choice": ("none", "auto"),
        "tools": ([],),
        "verbosity": ("medium",),
        "web_search_options": (),
    }

    messages: Annotated[list[Message], Field(min_length=1, max_length=4096)]
    max_completion_tokens: Annotated[Int, Field(ge=1, le=1 << 24)] | None = None
    logprobs: Bool | None = None
    top_logprobs: Annotated[Int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=512)]], Field(max_length=16)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=256)] | None = None
    safety_identifier: Annotated[str, Field(max_length=512)] | None = None

    audio: Any = None
    function_call: Any = None
    functions: Any = None
    modalities: Any = None
    moderation: Any = None
    parallel_tool_calls: Any = None
    prediction: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning_effort: Any = None
    service_tier: Any = None
    store: Any = None
    tool_choice: Any = None
    tools: Any = None
    verbosity: Any = None
    web_search_options: Any = None

    @field_validator("top_logprobs")
    @classmethod
    def _needs_logprobs(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and not info.data.get("logprobs"):
            raise PydanticCustomError("invalid_value", "only allowed when 'logprobs' is true")
        return value

    def asked(self) -> set[str]:
        """See ``TextRequest``. A response format of text is what everybody gets."""
        text = self.response_format is not None and self.response_format.type == "text"
        return super().asked() - ({"response_format"} if text else set())

    @property
    def token_limit(self) -> int | None:
        """Most tokens that each choice may have; None: what the context leaves."""
        return self.max_completion_tokens or self.max_tokens


class Reply:
    """Writes the ``chat.completion.chunk`` events, or the ``chat.completion`` object."""

    def __init__(self, rid: str, request: Request, created: int) -> None:
        self._request = request
        self._choices: dict[int, Choice] = {}
        self._shared = {"id": f"chatcmpl-{rid}", "created": created, "model": request.model}
        self._shared["service_tier"] = "default"
        head = _json.encode(self._shared | {"object": "chat.completion.chunk"})[:-1]
        self._head = b"data: " + head + (b',"usage":null' if request.wants_usage else b"")
        self._lead = self._head + b',"choices":[{"index":0,"delta":{"content":'

    def start(self) -> bytes:
        """A chunk a choice that announces the role."""
        if not self._request.stream:
            return b""
        first = {"role": "assistant", "content": ""}
        return b"".join(self._chunk(index, first, None, None) for index in range(self._request.choices))

    def delta(self, delta: Delta) -> bytes:
        """One chunk, or for an answer that is not streamed, nothing yet."""
        if not self._request.stream:
            self._choices.setdefault(delta.index, Choice()).add(delta)
            return b""
        if delta.index == 0 and delta.finish is None and not delta.logprobs:  # the common case, on the hot path
            return self._lead + _json.encode(delta.text) + b'},"logprobs":null,"finish_reason":null}]}\n\n'
        content = {"content": delta.text} if delta.text else {}
        return self._chunk(delta.index, content, _logprobs(delta.logprobs), delta.finish)

    def end(self, usage: Usage) -> bytes:
        """The usage chunk where asked for, and ``[DONE]``; or the whole answer."""
        if not self._request.stream:
            return _json.encode(self._answer(usage))
        last = b"data: [DONE]\n\n"
        if self._request.wants_usage:
            body = self._shared | {"object": "chat.completion.chunk", "choices": [], "usage": usage.to_json()}
            last = b"data: " + _json.encode(body) + b"\n\n" + last
        return last

    def _chunk(self, index: int, delta: dict[str, str], logprobs: Any, finish: str | None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + b',"choices":[' + _json.encode(choice) + b"]}\n\n"

    def _answer(self, usage: Usage) -> dict[str, Any]:
        body = self._shared | {"object": "chat.completion", "usage": usage.to_json()}
        if self._request.metadata is not None:
            body["metadata"] = self._request.metadata
        body["choices"] = [
            {
                "index": index,
                "message": {"role": "assistant", "content": "".join(choice.text), "refusal": None},
                "logprobs": _logprobs(tuple(choice.logprobs)) if self._request.logprobs else None,
                "finish_reason": choice.finish,
            }
            for index, choice in sorted(self._choices.items())
        ]
        return body


def _logprobs(tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    if not tokens:
        return None
    content = [_token(one) | {"top_logprobs": [_token(other) for other in one.top]} for one in tokens]
    return {"content": content, "refusal": None}


def _token(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode())}
