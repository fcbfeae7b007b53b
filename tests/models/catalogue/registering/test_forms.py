"""Descriptions as text: what is no description is refused, and soon (``models.catalogue.registering.forms``)."""

import pytest

from models.catalogue.registering import forms
from models.errors import InvalidRequest


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01: x\nmodel_name: a",
        "? !!binary aGk=\n: x",
        "a: !!bool x",
        "a: !!timestamp x",
        "a: !!int ''",
        "a: &b [x]\nc: *b",
        '{"a": ' + "[" * 50_000,
    ],
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="neither JSON nor YAML"):
        forms.read(text)


def test_yaml_that_is_deep_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("yaml.safe_load", loaded.append)
    for text in ("[" * 150 + "]" * 150, "- " * 150 + "a", "[" * 60_000):
        with pytest.raises(InvalidRequest, match="neither JSON nor YAML"):
            forms.read(text)
    assert loaded == []


def test_yaml_is_read() -> None:
    assert forms.read("model_name: a\nstop: [x]\nupdated_at: 2020-01-01") == {
        "model_name": "a",
        "stop": ["x"],
        "updated_at": "2020-01-01",
    }
