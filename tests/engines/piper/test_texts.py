"""What of a text can be said, and in which pieces."""

import unicodedata

import pytest

from models.errors import InvalidRequest
from workers.engines.piper.texts import check_text, is_other_language, pieces, readable, sayable


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[0m", "a\x85", "\ud800", "x\x0b"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(
        InvalidRequest, match=r"the text has the control character U\+[0-9A-F]{4} at character \d"
    ) as caught:
        check_text(text)
    assert caught.value.param == "input"


def test_numbers_without_end_are_refused() -> None:
    check_text("a\tb\r\nc " + "7" * 200 + " " + "8" * 200)
    with pytest.raises(InvalidRequest, match="a number of 201 digits; this model reads 200 in a row"):
        check_text("7" * 201)


def test_what_espeak_would_drop_is_made_readable() -> None:
    assert readable("call 12345 or 1234567890123456") == f"call 12345 or {', '.join('1234567890123456')}"
    assert max(map(len, readable("a" * 300).split())) == 60
    assert "".join(readable("a" * 300).split()) == "a" * 300
    assert readable("x" * 60) == "x" * 60
    assert readable("see [[ab]]") == "see [ [ab]]"


def test_fancy_letters_become_plain_and_others_stay() -> None:
    assert readable("Ｈｉ 𝐀 ﬁne é ñ ½ ™ 가") == "Hi A fine é ñ ½ ™ 가"


@pytest.mark.parametrize(
    ("text", "family", "said", "unsaid"),
    [
        ("Hello, Zoë 世界.", "en", "Hello, Zoë .", 2),
        ("Привет, Anna", "en", ", Anna", 6),
        ("Привет, Anna", "ru", "Привет, Anna", 0),
        ("नमस्ते", "hi", "नमस्ते", 0),
        ("नमस्ते", "en", "", 4),
        ("Καλημέρα", "el", "Καλημέρα", 0),
        ("ሰላም Привет", "am", "ሰላም Привет", 0),
        ("世界 καί", "zh", "世界 ", 3),
        ("a ☃ b", "en", "a ☃ b", 1),
        ("ordinals ª º and ʼ", "es", "ordinals ª º and ʼ", 0),
    ],
)
def test_letters_that_a_language_does_not_have_are_left_out(text: str, family: str, said: str, unsaid: int) -> None:
    assert sayable(text, family, lambda one: one != "☃") == (said, unsaid)


GERMAN = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich."


@pytest.mark.parametrize(
    ("text", "family", "other"),
    [
        (GERMAN, "en", True),
        (unicodedata.normalize("NFD", GERMAN), "en", True),
        (GERMAN, "de", False),
        (GERMAN, "", False),
        (GERMAN, "am", False),
        ("Ils sont où être là-bas plaît", "de", False),
        ("Idę do domu, łóżko jest małe.", "de", True),
        ("Smörgåsbord for Müller and Ångström in Köln, with a smörgåsbord", "en", False),
        ("Crème brûlée, a naïve café, jalapeño", "en", False),
        ("The words über and schön are German, as one can hear at once, and they are so short, too.", "en", False),
        ("I am in the größe", "en", False),
        ("世界 καλημέρα привет", "en", False),
    ],
)
def test_another_language_is_seen_by_its_letters_alone(text: str, family: str, other: bool) -> None:
    assert is_other_language(text, family) is other


def test_a_sentence_is_cut_behind_marks_or_between_words() -> None:
    words = list("abc defg, " * 10)

    parts = list(pieces(words, 40))
    assert [one for part in parts for one in part] == words
    assert all(len(part) <= 40 for part in parts)
    assert all("".join(part).endswith(",") for part in parts[:-1])
    assert [len(part) for part in pieces(["x"] * 100, 40)] == [40, 40, 20]
    assert ["".join(part) for part in pieces(list("aaaa bbbb"), 6)] == ["aaaa", " bbbb"]
    assert list(pieces([], 40)) == []
