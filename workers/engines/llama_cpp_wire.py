"""What llama.cpp's server reads and writes, and how our requests and events map to it. Pure: no engine here."""

from typing import Any

import msgspec

from models.errors import ContextLengthExceeded, EngineFailure, HeadraceError, InvalidRequest
from models.modalities import chat, completions, tokenize
from models.modalities.chat_messages import Message
from models.modalities.text import FinishReason, TextRequest, TokenLogprob

_SEEDS = (1 << 32) - 1  # llama.cpp's seeds are 32 bits, and the highest means "take any"


class _Token(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list["_Token"] = []


class _Logprobs(msgspec.Struct):
    content: list[_Token] = []


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    text: str | None = None  # of a completion
    delta: _Message | None = None  # of a chat
    logprobs: _Logprobs | None = None


class _Details(msgspec.Struct):
    cached_tokens: int = 0


class ChunkUsage(msgspec.Struct):
    """Token counts of one choice."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details = msgspec.field(default_factory=_Details)


class Progress(msgspec.Struct):
    """How far the prompt was read. ``total`` tokens it has."""

    total: int = 0


class Refusal(msgspec.Struct):
    """Why llama.cpp does not answer."""

    message: str = ""
    type: str = ""
    code: int = 500


class Chunk(msgspec.Struct):
    """One event of a streamed answer; fields that we have no use for are skipped unread."""

    choices: list[_Choice] = []
    usage: ChunkUsage | None = None
    error: Refusal | None = None
    prompt_progress: Progress | None = None

    @property
    def text(self) -> str:
        """The new text; often empty."""
        if not self.choices:
            return ""
        first = self.choices[0]
        return (first.delta.content if first.delta else first.text) or ""

    @property
    def finish(self) -> FinishReason | None:
        """Set on the last chunk that carries a choice."""
        reason = self.choices[0].finish_reason if self.choices else None
        if reason is None:
            return None
        return "length" if reason == "length" else "stop"

    def logprobs(self, top: int) -> tuple[TokenLogprob, ...]:
        """The tokens of this chunk, with at most ``top`` alternatives each."""
        if not self.choices or self.choices[0].logprobs is None:
            return ()
        return tuple(
            TokenLogprob(
                one.token,
                one.logprob,
                tuple(TokenLogprob(other.token, other.logprob) for other in one.top_logprobs[:top]),
            )
            for one in self.choices[0].logprobs.content
        )


decode = msgspec.json.Decoder(Chunk).decode
encode = msgspec.json.Encoder().encode


def refusal(error: Refusal, param: str) -> HeadraceError:
    """Our error for llama.cpp's; ``param`` is the field that holds the prompt."""
    if error.type == "exceed_context_size_error":
        return ContextLengthExceeded(error.message, param=param)
    if 400 <= error.code < 500:
        return InvalidRequest(error.message)
    return EngineFailure(f"llama.cpp: {error.message}")


def chat_body(request: chat.Request) -> dict[str, Any]:
    """The body of a chat, but for its seed."""
    body = _sampling(request)
    body["messages"] = [_message(message) for message in request.messages]
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": max(1, request.top_logprobs or 0)}
    if request.chat_template_kwargs:
        body["chat_template_kwargs"] = request.chat_template_kwargs
    wanted = request.response_format
    if wanted is not None and wanted.type != "text":
        body["response_format"] = wanted.model_dump(exclude_none=True)
    return body


def template_body(request: tokenize.Request) -> dict[str, Any]:
    """What makes a prompt of a conversation."""
    assert request.conversation is not None
    body = chat_body(request.conversation)
    return body | {"add_generation_prompt": request.opens_answer}


def piece(said: str | list[int]) -> str:
    """A token's text; llama.cpp gives bytes where they are no characters."""
    return said if isinstance(said, str) else bytes(said).decode(errors="replace")


def completion_body(request: completions.Request, prompt: str | list[int]) -> dict[str, Any]:
    """The body of one prompt's completion, but for its seed."""
    body = _sampling(request)
    body["prompt"] = prompt
    if request.logprobs is not None:
        body["logprobs"] = max(1, request.logprobs)
    return body


def with_seed(body: dict[str, Any], seed: int | None, choice: int) -> bytes:
    """The body as it is sent: the n-th choice of a prompt has a seed of its own, the same whatever else is asked."""
    return encode(body if seed is None else body | {"seed": (seed + choice) % _SEEDS})


def _sampling(request: TextRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "stream": True,
        "stream_options": {"include_usage": True},
        # Without it a prompt that is being read says nothing, and so could not be cancelled.
        "return_progress": True,
        "stop": request.stops,
        "max_tokens": request.token_limit,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "min_p": request.min_p,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "repeat_penalty": request.repetition_penalty,
        "logit_bias": request.logit_bias,
    }
    body = {name: value for name, value in body.items() if value is not None}
    if request.ignore_eos:
        body["ignore_eos"] = True
    if body.keys() & {"frequency_penalty", "presence_penalty", "repeat_penalty"}:
        body["repeat_last_n"] = -1  # OpenAI's penalties look at the whole text, not at its last 64 tokens
    return body


def _message(message: Message) -> dict[str, str]:
    role = "system" if message.role == "developer" else message.role  # templates know the older word alone
    named = {"name": message.name} if message.name else {}
    return {"role": role, "content": message.text} | named
