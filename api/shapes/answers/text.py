"""Chat and text completions, whole and in chunks, as OpenAI's API has them."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from models.modalities.text import FinishReason


class CachedTokens(TypedDict):
    """Tokens of a prompt that were in the KV cache already."""

    cached_tokens: int


class TextUsage(TypedDict):
    """The tokens of a request, and of its answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedTokens


class TokenOdds(TypedDict):
    """A token, the natural logarithm of its probability, and its bytes in UTF-8."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenToken(TokenOdds):
    """A token of an answer, and the likeliest in its place, the best first."""

    top_logprobs: list[TokenOdds]


class ChatOdds(TypedDict):
    """The probabilities of the tokens of an answer."""

    content: list[ChosenToken]
    refusal: None


class FunctionCall(TypedDict):
    """A function's name, and its arguments as JSON text."""

    name: str
    arguments: str


class FunctionPiece(TypedDict):
    """A piece of a call. The first has the name; the arguments of all, joined, are JSON text."""

    name: NotRequired[str]
    arguments: NotRequired[str]


class ToolCallMade(TypedDict):
    """A call that the model asks for."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ToolCallPiece(TypedDict):
    """A piece of a call, whose place is ``index``. The first of each has its id."""

    index: int
    id: NotRequired[str]
    type: NotRequired[Literal["function"]]
    function: FunctionPiece


class AssistantMessage(TypedDict):
    """What the model wrote. ``function_call`` is the older form, where ``functions`` were sent."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[ToolCallMade]]
    function_call: NotRequired[FunctionPiece]


class MessagePiece(TypedDict):
    """What came to a message."""

    role: NotRequired[Literal["assistant"]]
    content: NotRequired[str]
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[ToolCallPiece]]
    function_call: NotRequired[FunctionPiece]


Finish = FinishReason | Literal["function_call"] | None
"""Why a choice ended; null while it goes on."""


class ChatChoice(TypedDict):
    """One answer of those that were asked for."""

    index: int
    message: AssistantMessage
    logprobs: ChatOdds | None
    finish_reason: Finish


class ChatChoicePiece(TypedDict):
    """What came to one answer."""

    index: int
    delta: MessagePiece
    logprobs: ChatOdds | None
    finish_reason: Finish


class Answered(TypedDict):
    """What every answer of a model that writes begins with. ``created`` is in seconds since 1970."""

    id: str
    created: int
    model: str


class ChatCompletion(Answered):
    """The answer of a conversation."""

    object: Literal["chat.completion"]
    service_tier: Literal["default"]
    choices: list[ChatChoice]
    usage: TextUsage
    metadata: NotRequired[dict[str, str]]


class ChatChunk(Answered):
    """An event of a streamed answer. The last before ``[DONE]`` has the usage alone, where that was asked for."""

    object: Literal["chat.completion.chunk"]
    service_tier: Literal["default"]
    choices: list[ChatChoicePiece]
    usage: NotRequired[TextUsage | None]


class TextOdds(TypedDict):
    """The probabilities of the tokens of a text; the first token of a prompt has none. Offsets are in characters."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(TypedDict):
    """A text, or what came to it."""

    index: int
    text: str
    logprobs: TextOdds | None
    finish_reason: FinishReason | None


class TextCompletion(Answered):
    """A prompt, gone on with."""

    object: Literal["text_completion"]
    choices: list[TextChoice]
    usage: TextUsage


class TextChunk(Answered):
    """An event of a streamed completion. The last before ``[DONE]`` has the usage, where that was asked for."""

    object: Literal["text_completion"]
    choices: list[TextChoice]
    usage: NotRequired[TextUsage | None]
