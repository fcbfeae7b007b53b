"""Which voices a description makes, and which of them a request means."""

from typing import Any

import pytest

from models.errors import InvalidRequest
from workers.engines.piper.voices import Speaker, choose, described, language_of, speakers

PLAIN: dict[str, Any] = {
    "audio": {"sample_rate": 22_050, "quality": "medium"},
    "espeak": {"voice": "en-us"},
    "language": {"code": "en_US", "family": "en", "name_english": "English"},
    "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": [3]},
    "num_symbols": 256,
    "num_speakers": 1,
    "speaker_id_map": {},
}
GERMAN = PLAIN | {"language": {"code": "de_DE", "family": "de", "name_english": "German"}}
BRITISH = PLAIN | {"language": {"code": "en_GB", "family": "en", "name_english": "English"}}


def there(**documents: dict[str, Any]) -> dict[str, Speaker]:
    """The voices of a folder with these files."""
    return {one.name: one for name, document in documents.items() for one in speakers(name, described(name, document))}


FOLDER = there(amy=PLAIN, hans=GERMAN, cori=BRITISH)


def test_speakers_are_voices_too() -> None:
    several = PLAIN | {"num_speakers": 3, "speaker_id_map": {"p2": 2, "p0": 0}, "default_speaker_id": 2}

    assert [(one.name, one.network, one.number) for one in there(joe=PLAIN, vctk=several).values()] == [
        ("joe", "joe", None),
        ("vctk", "vctk", 2),
        ("vctk/p0", "vctk", 0),
        ("vctk/p2", "vctk", 2),
    ]
    unnamed = there(libri=PLAIN | {"num_speakers": 2})
    assert [(one.name, one.number) for one in unnamed.values()] == [("libri", 0), ("libri/0", 0), ("libri/1", 1)]


def test_a_language_is_what_the_file_says_or_espeaks_name() -> None:
    found = language_of(described("x", PLAIN))
    assert (found.code, found.family, found.name) == ("en-us", "en", "English")
    bare = language_of(described("x", {name: one for name, one in PLAIN.items() if name != "language"}))
    assert (bare.code, bare.family, bare.name) == ("en-us", "en", "en-us")


@pytest.mark.parametrize(
    ("voice", "language", "who"),
    [
        *[(one, None, "amy") for one in (None, "default", "piper", "alloy", "amy")],
        *[("hans", one, "hans") for one in (None, "de", "de-DE", "de_AT", "German", "GERMAN")],
        *[(None, "de", "hans"), ("nova", "german", "hans"), (None, "en", "amy"), (None, "en-GB", "cori")],
        *[(None, "en_US", "amy"), (None, "en-AU", "amy"), ("cori", "en-US", "cori")],
    ],
)
def test_who_speaks(voice: str | None, language: str | None, who: str) -> None:
    assert choose(FOLDER, "amy", voice, language).name == who


@pytest.mark.parametrize(
    ("voice", "language", "param", "message"),
    [
        ("zoe", None, "voice", "there is no voice 'zoe'; there are amy, hans, cori, default, alloy, "),
        ("zoe", "de", "voice", "there is no voice 'zoe'"),
        (
            "amy",
            "de",
            "language",
            r"the voice amy speaks English \(en-us\), not 'de'; spoken here are English \(en-us\), ",
        ),
        (None, "fr", "language", r"no voice here speaks 'fr'; spoken here are .*German \(de-de\)"),
    ],
)
def test_who_cannot_speak_says_so(voice: str, language: str | None, param: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        choose(FOLDER, "amy", voice, language)
    assert caught.value.param == param


def test_an_error_does_not_list_a_thousand_voices() -> None:
    crowd = there(libri=PLAIN | {"num_speakers": 900})

    with pytest.raises(InvalidRequest, match=r"libri/18, 881 more, default") as caught:
        choose(crowd, "libri", "x", None)
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio": {}}, "describes no voice: audio.sample_rate: Field required"),
        ({"audio": {"sample_rate": 1 << 40}}, "audio.sample_rate"),
        ({"espeak": {"voice": "../../etc/passwd"}}, "espeak.voice"),
        ({"inference": {"length_scale": 0}}, "inference.length_scale"),
        ({"inference": {"noise_w": float("nan")}}, "inference.noise_w"),
        ({"phoneme_id_map": {"a": [1], "b": [2], "c": [3]}}, r"\$ has no number"),
        ({"phoneme_id_map": {"_": [], "^": [], "$": []}}, r"\$ has no number"),
        ({"phoneme_id_map": {"_": [-1], "^": [1], "$": [2]}}, "phoneme_id_map._.0"),
        ({"phoneme_type": "pinyin"}, "reads pinyin, for which Piper wants more than is installed"),
        ({"phoneme_type": "klingon"}, "phoneme_type"),
        ({"num_speakers": 2, "speaker_id_map": {"a": 2}}, "has more speakers than it says: 2"),
        ({"num_speakers": 2, "default_speaker_id": 2}, "has more speakers than it says: 2"),
        ({"num_speakers": 1 << 30}, "num_speakers"),
        ({"num_speakers": 2, "speaker_id_map": {"a\n": 0}}, "speaker_id_map"),
        ({"num_speakers": 2, "speaker_id_map": {"a" * 81: 0}}, "speaker_id_map"),
    ],
)
def test_what_describes_no_voice_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        described("x.onnx.json", PLAIN | change)
    assert caught.value.param == "model_path"


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"x\.onnx\.json is not a JSON object of at most 4 MiB"):
        described("x.onnx.json", document)
