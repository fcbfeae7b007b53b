"""What all pages of OpenAI's lists have in common."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict


class PageEnds(TypedDict):
    """Whether a page has a next one, and the ids of its first and last entry; null: it is empty."""

    has_more: bool
    first_id: str | None
    last_id: str | None


def ends_of(page: Sequence[Mapping[str, object]], *, more: bool) -> PageEnds:
    """The ends of a page whose entries have an ``id``. ``more``: whether it has a next one. Pure."""
    ids = [str(one["id"]) for one in (*page[:1], *page[-1:])]
    return {"has_more": more, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
