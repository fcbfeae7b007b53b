"""``include`` of the responses endpoints that show what was made before: which values are known, which can be honoured.

Log probabilities are there where the response was made with them, and cannot be had afterwards. The pictures of the
input and what a model thought are always shown; and of tools that OpenAI runs there are no items to show more of.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args

from fastapi import Depends, Query

from models.errors import InvalidRequest
from models.modalities.responses.fields import Includable
from models.modalities.responses.request import LOGPROBS

KNOWN: tuple[str, ...] = get_args(Includable)


def included(
    listed: Annotated[list[str] | None, Query(alias="include[]", description=f"any of {', '.join(KNOWN)}")] = None,
    plain: Annotated[list[str] | None, Query(alias="include", include_in_schema=False)] = None,
) -> frozenset[str]:
    """What the query asks to include, under either of the names that clients use. Raises InvalidRequest if unknown."""
    asked = frozenset([*(listed or ()), *(plain or ())])
    for unknown in asked.difference(KNOWN):
        raise InvalidRequest(f"'include' has '{unknown[:100]}'; it may have {', '.join(KNOWN)}", param="include")
    return asked


Included = Annotated[frozenset[str], Depends(included)]


def check_items(include: frozenset[str], items: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to include log probabilities that these items do not have. Raises InvalidRequest."""
    parts = [part for item in items for part in item.get("content") or () if part["type"] == "output_text"]
    check_made(include, with_logprobs=all(part.get("logprobs") for part in parts if part["text"]))


def check_made(include: frozenset[str], *, with_logprobs: bool) -> None:
    """Refuse to include log probabilities of what is made without them. Raises InvalidRequest."""
    if LOGPROBS in include and not with_logprobs:
        raise InvalidRequest(
            f"'include' has '{LOGPROBS}', which must be asked for when the response is made", param="include"
        )
