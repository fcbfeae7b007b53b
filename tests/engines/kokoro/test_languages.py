"""Which voice speaks, in which language, and what is refused: tables."""

import pytest

from models.errors import InvalidRequest
from workers.engines.kokoro.languages import choose, named, of_voice, speakable

VOICES = ("af_heart", "bm_george", "hf_alpha", "jf_alpha", "mine", "zf_xiaobei")


@pytest.mark.parametrize(
    ("voice", "language", "chosen"),
    [
        (None, None, ("jf_alpha", "ja")),
        ("default", None, ("jf_alpha", "ja")),
        ("kokoro", None, ("jf_alpha", "ja")),
        ("alloy", None, ("jf_alpha", "ja")),
        ("bm_george", None, ("bm_george", "en-gb")),
        ("zf_xiaobei", None, ("zf_xiaobei", "zh")),
        ("mine", None, ("mine", "en-us")),
        ("mine", "ja_JP", ("mine", "ja")),
        ("af_heart", "English", ("af_heart", "en-us")),
        ("af_heart", "en-GB", ("af_heart", "en-gb")),
        ("hf_alpha", "zh-CN", ("hf_alpha", "zh")),
    ],
)
def test_a_voice_speaks_its_language_or_another(
    voice: str | None, language: str | None, chosen: tuple[str, str]
) -> None:
    found, spoken = choose(VOICES, "jf_alpha", voice, language)

    assert (found, spoken.code) == chosen


@pytest.mark.parametrize(
    ("voice", "language", "param", "message"),
    [
        ("darth", None, "voice", "there is no voice 'darth'; there are af_heart, bm_george, jf_alpha, mine,"),
        ("hf_alpha", None, "voice", "the voice hf_alpha speaks Hindi, which cannot be read here: that needs a library"),
        ("af_heart", "fr", "language", "French cannot be read here: that needs a library that turns French into"),
        ("af_heart", "tlh", "language", "Kokoro has no language 'tlh'; read here are American English (en-us)"),
    ],
)
def test_what_cannot_be_spoken_is_refused_by_name(voice: str, language: str | None, param: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose(VOICES, "jf_alpha", voice, language)

    assert caught.value.param == param
    assert message in caught.value.message


def test_a_voice_says_its_language_by_its_name() -> None:
    assert [of_voice(name).code for name in ("ef_dora", "jm_kumo", "j", "jx_kumo", "")] == [
        *("es", "ja"),
        *["en-us"] * 3,
    ]
    assert named("Mandarin").letter == "z"
    assert speakable(VOICES) == ["af_heart", "bm_george", "jf_alpha", "mine", "zf_xiaobei"]
