"""What llama.cpp's server reads and writes, and how our requests and events map to it. Pure: no engine here."""

from typing import Any

import msgspec

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.modalities import chat, completions
from models.modalities.chat.tools import Tool
from models.modalities.text import FinishReason, TextRequest, TokenLogprob, ToolDelta
from workers.engines.text.answers import Piece
from workers.engines.text.limits import ROOM, too_long
from workers.engines.text.server_fields import given, sampling_fields
from workers.engines.text.templating import function_of, tool_of, turn_of

_BROKEN = "\ufffd"
_SEEDS = (1 << 32) - 1  # llama.cpp's seeds are 32 bits, and the highest means "take any"

_COUNTED = {"timings_per_token": True}
"""Each chunk is to tell how many tokens were made, reported or not."""


class Token(msgspec.Struct):
    """A token with its log probability, and the likeliest alternatives."""

    token: str
    logprob: float
    id: int = -1
    octets: list[int] = msgspec.field(name="bytes", default_factory=list)
    top_logprobs: list["Token"] = []

    def token_logprob(self, top: int = 0) -> TokenLogprob:
        """This token as Headrace has it, with at most ``top`` alternatives."""
        octets = bytes(self.octets)
        text = octets.decode(errors="replace")  # llama.cpp leaves out the beginning of a character
        alternatives = tuple(token.token_logprob() for token in self.top_logprobs[:top])
        return TokenLogprob(text, self.logprob, alternatives, octets if _BROKEN in text else b"")


class _Logprobs(msgspec.Struct):
    content: list[Token] = []


class _Function(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _ToolCall(msgspec.Struct):
    index: int = 0
    id: str = ""
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] = []


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    text: str | None = None  # of a completion
    delta: _Message | None = None  # of a chat
    logprobs: _Logprobs | None = None


class PromptDetails(msgspec.Struct):
    """How many tokens of a prompt were in the cache."""

    cached_tokens: int = 0


class ChunkUsage(msgspec.Struct):
    """Token counts of one choice."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails = msgspec.field(default_factory=PromptDetails)


class PromptProgress(msgspec.Struct):
    """How far the prompt was read. It has ``total`` tokens, of which ``cache`` were in the cache."""

    total: int = 0
    cache: int = 0


class Timings(msgspec.Struct):
    """What llama.cpp has measured so far: here only how many tokens it has made."""

    predicted_n: int = 0


class Refusal(msgspec.Struct):
    """Why llama.cpp does not answer."""

    message: str = ""
    type: str = ""
    code: int = 500
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class Chunk(msgspec.Struct):
    """One event of a streamed answer; fields that we have no use for are skipped unread."""

    choices: list[_Choice] = []
    usage: ChunkUsage | None = None
    error: Refusal | None = None
    prompt_progress: PromptProgress | None = None
    timings: Timings | None = None

    @property
    def computed(self) -> int:
        """How many tokens the answer has so far, where that was asked for."""
        return self.timings.predicted_n if self.timings else 0

    @property
    def piece(self) -> Piece:
        """What is new; often nothing."""
        if not self.choices:
            return Piece()
        first = self.choices[0]
        if first.delta is None:
            return Piece(first.text or "")
        calls = tuple(
            ToolDelta(call.index, call.id, call.function.name, call.function.arguments)
            for call in first.delta.tool_calls
        )
        return Piece(first.delta.content or "", first.delta.reasoning_content or "", calls)

    @property
    def finish(self) -> FinishReason | None:
        """Set on the last chunk that carries a choice."""
        reason = self.choices[0].finish_reason if self.choices else None
        if reason is None:
            return None
        return "length" if reason == "length" else "tool_calls" if reason == "tool_calls" else "stop"

    @property
    def tokens(self) -> list[Token]:
        """The tokens of this chunk, where their log probabilities were asked for."""
        found = self.choices[0].logprobs if self.choices else None
        return found.content if found is not None else []

    def logprobs(self, top: int) -> tuple[TokenLogprob, ...]:
        """The tokens of this chunk, with at most ``top`` alternatives each."""
        return tuple(token.token_logprob(top) for token in self.tokens)


def prompt_only(tokens: int) -> Chunk:
    """The last event of an answer that consists of its prompt, of so many tokens."""
    return Chunk([_Choice(finish_reason="length")], ChunkUsage(tokens))


decode = msgspec.json.Decoder(Chunk).decode
encode = msgspec.json.Encoder().encode


def refusal(error: Refusal, param: str) -> HeadraceError:
    """Headrace's error for one of llama.cpp; ``param`` is the field that holds the prompt."""
    if error.type == "exceed_context_size_error":
        return too_long(error.n_prompt_tokens, error.n_ctx, param, hint=ROOM)
    if 400 <= error.code < 500:
        return InvalidRequest(error.message)
    return EngineFailure(f"llama.cpp: {error.type}")


def chat_body(
    request: chat.Request, options: dict[str, Any], context: int, messages: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The body of a chat that llama.cpp does alone, without its seed. ``options`` are the template's arguments.

    llama.cpp compiles schemas itself, in a way that hangs on some. So it gets functions whose arguments may be any
    object, while the template gets the functions with their schemas.
    """
    if request.callable_tools:
        options = options | {"tools": [tool_of(tool) for tool in request.callable_tools]}
    turns = messages or [turn_of(message, message.text) for message in request.messages]
    body = _conversation(request, turns, options, context)
    if request.callable_tools:
        names = (tool.function.name for tool in request.callable_tools)
        body["tools"] = [function_of(name, "", {"type": "object"}) for name in names]
        body["parallel_tool_calls"] = not request.single_call
    return body


def _conversation(
    request: chat.Request, messages: list[dict[str, Any]], options: dict[str, Any], context: int
) -> dict[str, Any]:
    body = _sampling(request, context)
    body["messages"] = messages
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": max(1, request.top_logprobs or 0)}
    if options:
        body["chat_template_kwargs"] = options
    if request.continue_final_message:
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def template_body(
    messages: list[dict[str, Any]], tools: list[Tool], options: dict[str, Any], *, opens: bool, goes_on: bool
) -> dict[str, Any]:
    """The body with which llama.cpp makes the prompt of a conversation.

    ``opens``: the prompt ends where the answer begins; ``goes_on``: the answer continues the last message.
    """
    if tools:
        options = options | {"tools": [tool_of(tool) for tool in tools]}
    body: dict[str, Any] = {"messages": messages, "add_generation_prompt": opens and not goes_on}
    return body | {"continue_final_message": goes_on, "chat_template_kwargs": options}


def piece(token: str | list[int]) -> str:
    """A token's text; llama.cpp gives its bytes where they are no characters."""
    return token if isinstance(token, str) else bytes(token).decode(errors="replace")


def completion_body(request: completions.Request, prompt: str | list[int], context: int) -> dict[str, Any]:
    """The body of one prompt's completion, without its seed."""
    body = _sampling(request, context)
    body["prompt"] = prompt
    if request.logprobs is not None:
        body |= {"logprobs": max(1, request.logprobs), **_COUNTED}
    return body


def prompt_body(request: chat.Request, prompt: str, context: int) -> dict[str, Any]:
    """The body of a chat whose prompt is already made, without its seed."""
    body = _sampling(request, context)
    body["prompt"] = prompt
    if request.logprobs:
        body |= {"logprobs": max(1, request.top_logprobs or 0), **_COUNTED}
    return body


def seen_body(
    request: chat.Request, messages: list[dict[str, Any]], options: dict[str, Any], context: int
) -> dict[str, Any]:
    """The body of a chat with pictures, whose answer llama.cpp gives as it is written, without its seed.

    Of what has pictures it makes the prompt itself.
    """
    body = _conversation(request, messages, options, context)
    return body | {"reasoning_format": "none"}


def under_grammar(body: dict[str, Any], grammar: str) -> dict[str, Any]:
    """The body with a grammar, if there is one. The answer ends with its grammar, so ``ignore_eos`` is left out."""
    if not grammar:
        return body
    return {name: value for name, value in body.items() if name != "ignore_eos"} | {"grammar": grammar}


def with_seed(body: dict[str, Any], seed: int | None, choice: int) -> bytes:
    """The body as it is sent. Each choice of a prompt has a seed of its own, which depends on its number alone."""
    return encode(body if seed is None else body | {"seed": (seed + choice) % _SEEDS})


def _sampling(request: TextRequest, context: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "stream": True,
        "stream_options": {"include_usage": True},
        # Without it nothing is sent while a prompt is read, so the request could not be cancelled.
        "return_progress": True,
        "max_tokens": request.token_limit,
        "repeat_penalty": request.repetition_penalty,
    }
    body = given(fields | sampling_fields(request))
    if body.pop("stop"):  # they are looked for here, and where one is met, so many tokens were computed
        body |= _COUNTED
    if request.ignore_eos:
        body["ignore_eos"] = True
    if body.keys() & {"frequency_penalty", "presence_penalty", "repeat_penalty"}:
        body["repeat_last_n"] = context  # OpenAI's penalties look at the whole text, not at its last 64 tokens
    return body
