"""Detokenizing, with bytes as tokens: the hardest case for characters."""

from hypothesis import given
from hypothesis import strategies as st

from workers.engines.detokenizer import Detokenizer

_TEXT = st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"]), max_size=60)


def _decode(ids: list[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


@given(_TEXT, _TEXT)
def test_nothing_is_lost_and_no_character_is_cut(prompt: str, text: str) -> None:
    words = Detokenizer(_decode, prompt.encode())
    pieces = [words.feed(token) for token in text.encode()]

    assert not any("\ufffd" in piece for piece in pieces)
    assert "".join(pieces) + words.flush() == text


def test_a_character_cut_in_half_is_left_out() -> None:
    words = Detokenizer(_decode, b"")
    pieces = [words.feed(token) for token in "é🎉".encode()[:-1]]

    assert "".join(pieces) + words.flush() == "é"
