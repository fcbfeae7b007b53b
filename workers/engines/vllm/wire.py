"""What vLLM's serving layer reads and writes, and how our requests and events map to it. Pure: no engine here."""

import base64
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from models.errors import ContextLengthExceeded, EngineFailure, HeadraceError, InvalidRequest, Overloaded
from models.modalities import chat, completions
from models.modalities.chat.messages import Media, Message, RefusalPart, TextPart
from models.modalities.structure import Constraint
from models.modalities.text import Delta, FinishReason, TextRequest, TokenLogprob, ToolDelta
from workers.engines.structured.constraints import MOST_CALLS
from workers.engines.structured.schemas import arguments_schema, enforced
from workers.engines.text.dialects import template_extras
from workers.engines.text.limits import too_long
from workers.engines.text.repeats import RepeatFilter
from workers.engines.text.server_fields import given, sampling_fields
from workers.engines.text.templating import turn_of

_SEEDS = (1 << 63) - 256
"""Seeds are taken modulo this: vLLM adds the number of the choice, PyTorch takes 63 bits, and -1 would mean "any"."""
_TOO_LONG = re.compile(r"maximum\s+context length|max_model_len|maximum model length", re.I)
_VALUE = re.compile(r" \(parameter=[^()]*(?:\(.*)?\)$", re.S)
_MEDIA = re.compile(r"multimodal|\bimages?\b|\baudio", re.I)
_STRUCTURE = re.compile(r"grammar|schema|regex|structured|choice", re.I)
_FULL = re.compile(r"max_tokens must be at least 1, got (-?\d+)")
_TOKEN = re.compile(r"out of vocabulary", re.I)
_NAMED = re.compile(r"(\w+) must ")


class _Alternative(msgspec.Struct):
    token: str
    logprob: float = 0.0


class _Token(msgspec.Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: list[_Alternative] = []


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None  # of a chat
    tokens: list[str] = []  # this and the next two: of a completion
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int
    text: str | None = None  # of a completion
    delta: _Message | None = None  # of a chat
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class VllmUsage(msgspec.Struct):
    """Token counts: those of one choice up to now, or, in the last chunk, those of all choices."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that were in the prefix cache."""
        return (self.prompt_tokens_details.cached_tokens or 0) if self.prompt_tokens_details else 0


class VllmRefusal(msgspec.Struct):
    """Why vLLM does not answer."""

    message: str = ""
    type: str = ""
    code: int = 500
    param: str | None = None


class VllmChunk(msgspec.Struct):
    """One event of a streamed answer; fields that we have no use for are skipped unread."""

    choices: list[_Choice] = []
    usage: VllmUsage | None = None
    error: VllmRefusal | None = None


_decode = msgspec.json.Decoder(VllmChunk).decode


def decode(event: str) -> VllmChunk | None:
    """The chunk of a server-sent event; None for the last, ``[DONE]``."""
    body = event.removeprefix("data: ")
    return None if body.startswith("[DONE]") else _decode(body)


class Choices:
    """Converts the chunks of one call into deltas.

    ``first`` is the number of its first choice; ``top`` is how many alternatives a token is to have. ``prompt_only``:
    vLLM has made one token, and its texts are the prompts alone. ``demanded``: where each choice must make calls, and
    may make several, their filters; a choice ends where its filter has met a repetition.
    """

    def __init__(
        self, first: int, top: int, *, prompt_only: bool = False, demanded: Sequence[RepeatFilter] = ()
    ) -> None:
        self.prompt_only = prompt_only
        self._first = first
        self._top = top
        self._demanded = demanded
        self._counted: dict[int, int] = {}  # choice → tokens that are counted in its deltas so far
        self._ended: set[int] = set()

    @property
    def over(self) -> bool:
        """Whether all choices have ended, some before vLLM ended them."""
        return self._cut and len(self._ended) == len(self._demanded)

    @property
    def _cut(self) -> bool:
        return any(calls.met for calls in self._demanded)

    def usage(self, chunk: VllmChunk) -> VllmUsage | None:
        """The token counts in the last chunk of an answer, without what vLLM made after the end of a choice.

        Where we end the answer, tokens that were in the prefix cache are not counted: vLLM's own last chunk has them.
        """
        if chunk.usage is None or not (self.prompt_only or self._cut):
            return chunk.usage
        made = 0 if self.prompt_only else sum(self._counted.values())
        return msgspec.structs.replace(chunk.usage, completion_tokens=made)

    def deltas(self, chunk: VllmChunk) -> Iterator[Delta]:
        """The deltas of a chunk, maybe none. Raises EngineFailure for a choice that failed."""
        for choice in chunk.choices:
            delta = None if choice.index in self._ended else self._delta(choice, chunk.usage or VllmUsage())
            if delta is not None:
                yield delta

    def _delta(self, choice: _Choice, usage: VllmUsage) -> Delta | None:
        """What a choice says now, if anything. ``usage``: its token counts up to now."""
        message = choice.delta or _Message(choice.text)
        tools = tuple(_tool(call) for call in message.tool_calls or ())
        logprobs = _logprobs(choice.logprobs, self._top)
        finish = _finish(choice.finish_reason)
        if self.prompt_only and finish is not None:
            finish = "length"
        if self._demanded:
            tools, finish = _novel(self._demanded[choice.index], tools, finish)
        if not (message.content or message.reasoning or tools or logprobs or finish):
            return None  # its tokens are counted in the next delta
        if finish is not None:
            self._ended.add(choice.index)
        made = 0 if self.prompt_only else usage.completion_tokens
        tokens = made - self._counted.get(choice.index, 0)
        self._counted[choice.index] = made
        return Delta(
            message.content or "",
            self._first + choice.index,
            logprobs,
            finish,
            tokens,
            reasoning=message.reasoning or "",
            tools=tools,
            stop=choice.stop_reason if finish and isinstance(choice.stop_reason, str) else "",
            prompt_tokens=usage.prompt_tokens,
        )


def _novel(
    calls: RepeatFilter, tools: tuple[ToolDelta, ...], finish: FinishReason | None
) -> tuple[tuple[ToolDelta, ...], FinishReason | None]:
    """The pieces of calls that are no repetition, and why the choice ends, if it does."""
    novel = calls.pass_on(tools, complete=finish in ("stop", "tool_calls"))
    return novel, "tool_calls" if calls.met else finish


def _tool(call: _ToolCall) -> ToolDelta:
    function = call.function or _Function()
    identity = call.id or (f"call_{secrets.token_hex(12)}" if function.name else "")
    return ToolDelta(call.index, identity, function.name or "", function.arguments or "")


def _finish(reason: str | None) -> FinishReason | None:
    match reason:
        case None:
            return None
        case "length" | "tool_calls":
            return reason
        case "abort" | "error":
            raise EngineFailure("vLLM gave the answer up")
    return "stop"


def _logprobs(logprobs: _Logprobs | None, top: int) -> tuple[TokenLogprob, ...]:
    """The tokens with their alternatives, the likeliest first.

    In vLLM's list the token that was picked comes first, however likely it was.
    """
    if logprobs is None:
        return ()
    if logprobs.content is not None:
        return tuple(
            TokenLogprob(
                token.token, token.logprob, _best(((other.token, other.logprob) for other in token.top_logprobs), top)
            )
            for token in logprobs.content
        )
    tops = logprobs.top_logprobs or [None] * len(logprobs.tokens)
    return tuple(
        TokenLogprob(token, logprob, _best((alternatives or {}).items(), top))
        for token, logprob, alternatives in zip(logprobs.tokens, logprobs.token_logprobs, tops, strict=True)
    )


def _best(alternatives: Any, top: int) -> tuple[TokenLogprob, ...]:
    ordered = sorted(alternatives, key=lambda alternative: -alternative[1])
    return tuple(TokenLogprob(token, logprob) for token, logprob in ordered[:top])


def refusal(error: VllmRefusal, field: str, constraint: Constraint | None = None, context: int = 0) -> HeadraceError:
    """Headrace's error for one of vLLM. ``field`` holds the prompt; ``context`` is the model's, in tokens."""
    message = _VALUE.sub("", error.message).strip() or error.type
    if _TOO_LONG.search(message):
        known = "maximum context length is" in message  # by which clients know it
        words = message if known else f"this model's maximum context length is {context} tokens: {message}"
        return ContextLengthExceeded(words, param=field)
    if full := _FULL.match(message):
        # the number in the message is what the prompt leaves of the context
        return too_long(context - int(full[1]), context, field, hint=" and leaves none for an answer")
    if 400 <= error.code < 500 or error.code == 501:
        return InvalidRequest(message, param=_param(error.param, message, field, constraint))
    if error.code == 503:
        return Overloaded(message)
    if constraint is not None and error.type == "InternalServerError":  # the grammar met its bounds amid an answer
        return InvalidRequest("the form asked for is too complex to be followed", param=constraint.param)
    return EngineFailure(f"vLLM: {error.type}")


def _param(given_param: str | None, message: str, field: str, constraint: Constraint | None) -> str | None:
    """The request's parameter that vLLM refuses. Its error names it in ``param``, in its message, or not at all."""
    if constraint is not None and _STRUCTURE.search(message):
        return constraint.param
    if _MEDIA.search(message) or _TOKEN.search(message):
        return field
    named = _NAMED.match(message)
    names = (given_param, named and named[1])
    return next((name for name in names if name in TextRequest.model_fields), None)


def chat_body(request: chat.Request, media: Sequence[Media], context: int) -> dict[str, Any]:
    """The body of a chat. ``media`` are the pictures and recordings of its messages, in their order."""
    body = _sampling(request) | _constrained(request.constraint)
    fetched = iter(media)
    body["messages"] = [_message(message, fetched) for message in request.messages]
    if request.token_limit is not None:
        body["max_completion_tokens"] = min(request.token_limit, context)
    if request.logprobs:
        top = request.top_logprobs or 0
        body |= {"logprobs": True, "top_logprobs": top + 1 if top else 0}  # one more, for the token that was picked
    body |= _callable(request)
    if request.continue_final_message:
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.reasoning_effort is not None:
        body["reasoning_effort"] = request.reasoning_effort
    if extras := template_extras(request):
        body["chat_template_kwargs"] = extras
    return body


def _callable(request: chat.Request) -> dict[str, Any]:
    """The tools. Where one must be called, they have the schemas to enforce: vLLM compiles what it shows the model."""
    tools = [tool.model_dump(exclude_none=True) for tool in request.callable_tools]
    if not tools:
        return {}
    if request.must_call:
        for tool, schema in zip(tools, called_with(request), strict=True):
            tool["function"]["parameters"] = schema
    choice = request.choice
    body: dict[str, Any] = {"tools": tools, "tool_choice": choice if isinstance(choice, str) else choice.model_dump()}
    if request.single_call or request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = not request.single_call
    return body


def called_with(request: chat.Request) -> list[dict[str, Any]]:
    """The schemas that vLLM will enforce for the arguments of tool calls."""
    return [arguments_schema(tool.function) for tool in request.callable_tools] if request.must_call else []


def is_constrained(request: chat.Request | completions.Request) -> bool:
    """Whether the answer must have a form."""
    if isinstance(request, completions.Request):
        return request.structured_outputs is not None
    return request.constraint is not None or request.must_call


def chat_choices(request: chat.Request) -> Choices:
    """What converts the answer to a chat."""
    several = request.must_call and not request.single_call
    demanded = [RepeatFilter(MOST_CALLS) for _ in range(request.choices)] if several else []
    return Choices(0, request.top_logprobs or 0, demanded=demanded)


def completion_body(request: completions.Request, prompt: str | list[int], context: int) -> dict[str, Any]:
    """The body of one prompt's completion."""
    constraint = request.structured_outputs.constraint if request.structured_outputs else None
    body = _sampling(request) | _constrained(constraint)
    body |= {"prompt": prompt, "echo": request.echo}
    if request.token_limit is not None:
        body["max_tokens"] = min(request.token_limit, context)
    if request.logprobs is not None:
        body["logprobs"] = request.logprobs
    return body


def _sampling(request: TextRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "model": request.lora_name,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "n": request.choices,
        "stop_token_ids": request.stop_token_ids,
        "min_tokens": request.min_tokens,
        "ignore_eos": request.ignore_eos,
        "repetition_penalty": request.repetition_penalty,
        "seed": None if request.seed is None else request.seed % _SEEDS,
    }
    return given(fields | sampling_fields(request))


def _constrained(constraint: Constraint | None) -> dict[str, Any]:
    if constraint is None:
        return {}
    value = True if constraint.kind == "json_object" else constraint.value
    if constraint.kind == "json":
        value = enforced(value, strict=constraint.strict)
    if isinstance(value, bool) and constraint.kind == "json":  # a schema may be a boolean; vLLM's may not
        value = {} if value else {"not": {}}
    return {"structured_outputs": {constraint.kind: value}, "ignore_eos": False}  # the answer ends with its grammar


def _message(message: Message, media: Iterator[Media]) -> dict[str, Any]:
    content: Any = message.text
    if any(True for _ in message.media):
        content = [_part(part, media) for part in message.parts]
    elif message.content is None:
        content = message.refusal
    turn = turn_of(message, content)
    if message.thought:
        turn["reasoning"] = turn.pop("reasoning_content")
    return turn


def _part(part: Any, media: Iterator[Media]) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, RefusalPart):
        return {"type": "text", "text": part.refusal}
    content = next(media, None)
    if content is None:
        raise InvalidRequest("a picture or recording is not there", param="messages")
    url = f"data:{content.media_type};base64,{base64.b64encode(content.data).decode()}"
    kind = "image_url" if content.kind == "image" else "audio_url"
    return {"type": kind, kind: {"url": url}}
