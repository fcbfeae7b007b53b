"""Detokenizing, with bytes as tokens: the hardest case for characters."""

from collections.abc import Callable
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.engines.transformers.detokenizer import Detokenizer

_TEXT = st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"]), max_size=60)


def _decode(ids: list[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


def _fall_back(ids: list[int]) -> str:
    """As tokenizers of Llama 2's and Gemma's kind: where some of a row of bytes is no character, none of it is."""
    said = ""
    for ascii, row in groupby(ids, lambda one: one < 128):
        data = bytes(row)
        try:
            said += data.decode()
        except UnicodeDecodeError:
            said += data.decode() if ascii else "\ufffd" * len(data)
    return said


@pytest.mark.parametrize("decode", [_decode, _fall_back])
@given(prompt=_TEXT, text=_TEXT | st.text("🎉é日", max_size=60))
def test_nothing_is_lost_and_no_character_is_cut(decode: Callable[[list[int]], str], prompt: str, text: str) -> None:
    words = Detokenizer(decode, prompt.encode())
    pieces = [words.feed(token) for token in text.encode()]

    assert not any("\ufffd" in piece for piece in pieces)
    assert "".join(pieces) + words.flush() == text


def test_a_character_cut_in_half_is_left_out() -> None:
    words = Detokenizer(_decode, b"")
    pieces = [words.feed(token) for token in "é🎉".encode()[:-1]]

    assert "".join(pieces) + words.flush() == "é"


@given(text=st.text("a🎉é日", max_size=60), cuts=st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_tokens_may_hold_the_end_of_one_character_and_the_beginning_of_the_next(text: str, cuts: list[int]) -> None:
    tokens: list[bytes] = []
    rest = text.encode()
    while rest:
        size = cuts[len(tokens) % len(cuts)]
        tokens.append(rest[:size])
        rest = rest[size:]
    words = Detokenizer(lambda ids: b"".join(tokens[one] for one in ids).decode("utf-8", "replace"), [])
    pieces = [words.feed(number) for number in range(len(tokens))]

    assert not any("\ufffd" in piece for piece in pieces)
    assert "".join(pieces) + words.flush() == text


@pytest.mark.parametrize("byte", [b"\x80", b" \xf0"])
def test_bytes_that_never_become_characters_do_not_pile_up(byte: bytes) -> None:
    asked: list[int] = []

    def decode(ids: list[int]) -> str:
        asked.append(len(ids))
        return (byte * len(ids)).decode("utf-8", "replace")

    words = Detokenizer(decode, [])
    said = "".join(words.feed(0) for _ in range(500))

    assert max(asked) < 100
    assert len(said) > 400
