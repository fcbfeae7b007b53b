"""The ends of pages (``api.shapes.pages``)."""

from api.shapes.pages import ends_of


def test_the_ends_of_a_page() -> None:
    page = [{"id": "a"}, {"id": "b"}, {"id": "c"}]
    assert ends_of(page, more=True) == {"has_more": True, "first_id": "a", "last_id": "c"}
    assert ends_of(page[:1], more=False) == {"has_more": False, "first_id": "a", "last_id": "a"}
    assert ends_of([], more=False) == {"has_more": False, "first_id": None, "last_id": None}
