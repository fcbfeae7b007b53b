"""``include`` of the endpoints that show an earlier response: which values are known, and which can be honoured.

Log probabilities can be shown only where the response was made with them. Pictures of the input and what a model
thought are always shown. The other values are about tools that OpenAI runs; no response of ours has items of such.
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
    """What the query asks to include, under either of the names that clients use.

    Raises InvalidRequest for an unknown value.
    """
    asked = frozenset([*(listed or ()), *(plain or ())])
    for unknown in asked.difference(KNOWN):
        raise InvalidRequest(f"'include' has '{unknown[:100]}'; it may have {', '.join(KNOWN)}", param="include")
    return asked


Included = Annotated[frozenset[str], Depends(included)]


def check_items(include: frozenset[str], items: Iterable[Mapping[str, Any]]) -> None:
    """Raise InvalidRequest where log probabilities are to be included that these items do not have."""
    parts = [part for item in items for part in item.get("content") or () if part["type"] == "output_text"]
    check_made(include, with_logprobs=all(part.get("logprobs") for part in parts if part["text"]))


def check_made(include: frozenset[str], *, with_logprobs: bool) -> None:
    """Raise InvalidRequest where log probabilities are to be included of a response that is made without them."""
    if LOGPROBS in include and not with_logprobs:
        raise InvalidRequest(
            f"'include' has '{LOGPROBS}', which must be asked for when the response is made", param="include"
        )
