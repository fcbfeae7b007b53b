"""What a model cannot take, whichever library it runs on: prompts far beyond its context, tokens it has not."""

from collections.abc import Callable, Iterable

from models.errors import ContextLengthExceeded, InvalidRequest
from models.modalities.text import TextRequest

_CHARACTERS = 16
"""A token has hardly ever more."""


def is_long(text: str, context: int) -> bool:
    """Whether a text has to be looked at by ``check_beginning`` before all of it is tokenized."""
    return len(text) > _CHARACTERS * context


def check_beginning(text: str, context: int, count: Callable[[str], int], param: str) -> None:
    """Refuse a prompt whose beginning alone is too long: all of it may take a tokenizer minutes, and others wait.

    ``count`` tokenizes. Raises ContextLengthExceeded.
    """
    size = _CHARACTERS * context
    while size < len(text):
        tokens = count(text[:size])
        if tokens > context:
            raise ContextLengthExceeded(
                f"the prompt has more than {tokens} tokens; the context holds {context}, answer included", param=param
            )
        size *= 2


def check_ids(ids: Iterable[int], vocabulary: int, param: str) -> None:
    """Refuse tokens that the model does not have. Raises InvalidRequest."""
    if max(ids, default=0) >= vocabulary:
        raise InvalidRequest(f"'{param}': token ids must be below {vocabulary}", param=param)


def check_bias(request: TextRequest, vocabulary: int) -> None:
    """As ``check_ids``, of those that are to be likelier or less likely."""
    check_ids(map(int, request.logit_bias or ()), vocabulary, "logit_bias")
