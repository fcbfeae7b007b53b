"""Refuses what no model can take, whichever library runs it: prompts far too long, and tokens that it does not have."""

from collections.abc import Callable, Iterable

from models.errors import ContextLengthExceeded, InvalidRequest
from models.modalities.text import TextRequest

ROOM = ", and an answer needs room, too"
ADDED = " with those that the model adds"
"""What follows the number of tokens of a text that a model puts into a frame."""
_CHARACTERS = 16
"""Characters of a token; it hardly ever has more."""


def is_long(text: str, context: int) -> bool:
    """Whether a text has to be looked at by ``check_beginning`` before all of it is tokenized."""
    return len(text) > _CHARACTERS * context


def too_long(
    tokens: int | str, context: int, param: str, *, what: str = "the prompt", hint: str = ""
) -> ContextLengthExceeded:
    """The error for a prompt that a model has no room for. ``hint`` follows the sentence.

    Its first words are those by which clients know it, LiteLLM among them.
    """
    return ContextLengthExceeded(
        f"this model's maximum context length is {context} tokens, and {what} has {tokens}{hint}", param=param
    )


def check_beginning(text: str, context: int, count: Callable[[str], int], param: str) -> None:
    """Refuse a prompt whose beginning alone is too long. Raises ContextLengthExceeded.

    To tokenize all of it may take minutes, for which others would wait. ``count`` tokenizes a text.
    """
    size = _CHARACTERS * context
    while size < len(text):
        tokens = count(text[:size])
        if tokens > context:
            raise too_long(f"more than {tokens}", context, param)
        size *= 2


def check_ids(ids: Iterable[int], vocabulary: int, param: str) -> None:
    """Refuse tokens that the model does not have. Raises InvalidRequest."""
    if (largest := max(ids, default=0)) >= vocabulary:
        raise InvalidRequest(f"'{param}': {largest} is no token of this model: ids are below {vocabulary}", param=param)


def check_bias(request: TextRequest, vocabulary: int) -> None:
    """As ``check_ids``, for the tokens that are to be likelier or less likely."""
    check_ids(map(int, request.logit_bias or ()), vocabulary, "logit_bias")
