"""What sentences say, for machines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.catalogue.entries import families
from models.catalogue.unserved import unserved
from models.errors import HeadraceError, ModelNotReady
from models.ledger.fit import Room, described
from models.ledger.need import GIB, Need, in_words
from models.reasons import REASONS, Reason, Told, as_told, joined, of_devices, read, said, told

WORDS = Path("api/ui/src/i18n")


def _words(language: str) -> dict[str, str]:
    codes: dict[str, str] = json.loads((WORDS / language / "reasons.json").read_text())["code"]
    return codes


@pytest.mark.parametrize("language", sorted(path.name for path in WORDS.iterdir() if path.is_dir()))
def test_every_language_has_words_for_every_code_with_the_same_values(language: str) -> None:
    words = _words(language)
    assert {*words} == {*REASONS} - {"text"}
    for code, sentence in words.items():
        assert {*re.findall(r"{{(\w+)}}", sentence)} == {*REASONS[code]}, code


def test_chinese_words_are_chinese() -> None:
    values = re.compile(r"{{\w+}}")
    untold = [code for code, words in _words("zh-CN").items() if not re.search("[\u4e00-\u9fff]", words)]
    assert [code for code in untold if values.sub("", _words("zh-CN")[code])] == []


def _codes() -> Iterator[str]:
    """The codes that stand in the source, where sentences are made."""
    for folder in ("api", "models", "workers"):
        for path in Path(folder).rglob("*.py"):
            if path.name != "reasons.py":
                source = path.read_text()
                if "models.reasons" in source or "models import reasons" in source:
                    yield from re.findall(r"\"(\w+)\"", source)


def test_every_code_is_told_somewhere() -> None:
    used = {*_codes()}
    assert {code for code in REASONS if not code.startswith("fault_")} - used - {"text"} == set()


def test_a_sentence_has_the_values_of_its_code() -> None:
    assert as_told(told("it is on a", "placed", names=["a"])) == [
        {"code": "placed", "values": {"names": ["a"]}, "devices": []}
    ]
    for code, values in (("placed", {}), ("placed", {"name": "a"}), ("nothing", {})):
        with pytest.raises(ValueError, match=code):
            told("it is", code, **values)


def test_sentences_are_joined_with_what_each_says() -> None:
    both = joined("; ", (of_devices(["a", "b"], told("loading", "loading")), "boom", ""))
    assert both == "a, b: loading; boom; "
    assert said(both) == (Reason("loading", {}, ["a", "b"]), Reason("text", {"text": "boom"}))
    assert as_told("boom") == []


def test_a_sentence_is_read_as_it_was_told() -> None:
    whole = joined("; ", (told("on a", "placed", names=["a"]), "boom"))
    assert as_told(read(str(whole), json.loads(json.dumps(as_told(whole))))) == as_told(whole)
    for broken in (None, [1], [{"codes": "x"}], {"code": "x"}):
        assert as_told(read("on a", broken)) == []
        assert read("on a", broken) == "on a"


def test_an_error_keeps_what_it_says_between_processes_and_in_a_row() -> None:
    error = ModelNotReady(told("loading", "loading"), param="x")
    for again in (HeadraceError.from_wire(error.to_wire()), HeadraceError.from_row(error.to_row())):
        assert as_told(again.told) == as_told(error.told) != []
    assert as_told(error.within("a").told) == as_told(error.renamed("x", "y").told) == as_told(error.told)
    assert HeadraceError.from_row(["model_not_ready", "old", None, None]).reasons == ()


def test_what_a_model_needs_and_a_device_has_is_told_in_bytes() -> None:
    need = in_words("m", Need(5 * GIB, GIB, GIB, context=4096, requests=2, correction=-GIB))
    assert [one.code for one in need.reasons] == ["needs_cache", "measured_less"]
    assert need.reasons[0].values["total_bytes"] == 6 * GIB
    room = described(Room("d", "n", 24 * GIB, 3 * GIB, {"a": GIB}))
    assert room == "d has 3.0 of 24.0 GiB free, 1.0 GiB idle could be unloaded (a)".replace("1.0 GiB", "1.0")
    assert [one.code for one in room.reasons] == ["free", "idle"]


def test_why_the_catalogue_has_families_that_none_serves_is_told() -> None:
    texts = {
        one.unserved for kind in ("LLM", "embedding", "rerank", "image", "audio", "video") for one in families(kind)
    }
    assert all(isinstance(unserved(text), Told) for text in texts - {""})
    assert unserved("nobody knows") == "nobody knows"
