"""How a text falls into sentences, and a sentence into pieces."""

import pytest

from workers.engines.kokoro.sentences import pieces, sentences


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("おはよう。元気？はい！", [(5, "おはよう。"), (8, "元気？"), (11, "はい！")]),
        ("彼は「やめて！」と言った。", [(8, "彼は「やめて！」"), (13, "と言った。")]),
        ("Mr. Smith came. J. K. too! Why?", [(15, "Mr. Smith came."), (26, "J. K. too!"), (31, "Why?")]),
        ("at 3.5 e.g. that\n\n  two", [(16, "at 3.5 e.g. that"), (23, "two")]),
        (" \n ", []),
        ("ok... go", [(8, "ok... go")]),
    ],
)
def test_a_text_falls_into_sentences(text: str, found: list[tuple[int, str]]) -> None:
    assert list(sentences(text)) == found


def test_a_sentence_without_end_is_cut_at_marks_or_between_words() -> None:
    assert list(pieces("abc defg, hij klm nop", 12)) == ["abc defg,", "hij klm nop"]
    assert list(pieces("abc defg hij klm nop", 12)) == ["abc defg", "hij klm nop"]
    assert [len(one) for one in pieces("x" * 100, 40)] == [40, 40, 20]
    assert list(pieces("", 40)) == []
    text = "abc defg " * 50
    assert "".join(pieces(text, 40)).replace(" ", "") == text.replace(" ", "")
    assert all(len(one) <= 40 for one in pieces(text, 40))


def test_what_has_no_end_is_read_in_parts() -> None:
    for text in ("7" * 4096, "1-" * 2000, "日本" * 2000, "a word, " * 500):
        found = list(sentences(text))
        assert all(len(part) <= 400 for _, part in found)
        assert "".join(part for _, part in found).replace(" ", "") == text.replace(" ", "")
        positions = [position for position, _ in found]
        assert positions == sorted(positions)
        assert positions[-1] == len(text)
