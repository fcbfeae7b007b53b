"""Paths that an operator allowed, and those that lead out of them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.routes.models.roots import refuse_options, refuse_outside
from models.errors import InvalidRequest
from models.settings import Settings


def test_paths_within_a_root_are_taken_and_what_is_no_path(tmp_path: Path) -> None:
    for text in (f"{tmp_path}/a", f"file://{tmp_path}/a%20b", "hf:org/name", "pkg:a/b", "org/name", ""):
        refuse_outside(text, [Path("/elsewhere"), tmp_path], "model_path")
    refuse_outside("/etc", [], "model_path")
    refuse_options({"mmproj": str(tmp_path / "m"), "chat_template": "{{ a }}/b", "n_ctx": 5}, [tmp_path])


@pytest.mark.parametrize("text", ["/etc", "{root}/../b", "file://{root}/%2e%2e/b", "{root}2/a", "{root}/link/a"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("/etc")
    named = text.format(root=root)
    with pytest.raises(InvalidRequest, match="HEADRACE_MODEL_ROOTS") as caught:
        refuse_outside(named, [root], "model_path")
    assert caught.value.param == "model_path"
    if ".." not in named:
        with pytest.raises(InvalidRequest, match="HEADRACE_MODEL_ROOTS") as caught:
            refuse_options({"loras": {"a": [named]}}, [root])
        assert caught.value.param == "loras"


def test_an_option_that_goes_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'\.\.'"):
        refuse_options({"mmproj": "../../etc/passwd"}, [tmp_path])
    refuse_options({"mmproj": "../../etc/passwd"}, [])


def test_options_that_are_texts_are_no_paths(tmp_path: Path) -> None:
    texts = {"stop": ["/end", "//", "file:"], "prompts": {"query": "/search "}, "irrelevant_token": "/no"}
    refuse_options(texts | {"chat_template": "/{{ a }}/../b", "pair_template": "/{query}"}, [tmp_path])
    for options in ({"chat_template": "/etc/passwd"}, {"mmproj": "/etc/{a}"}):
        with pytest.raises(InvalidRequest, match="HEADRACE_MODEL_ROOTS"):
            refuse_options(options, [tmp_path])


def test_a_url_without_a_path_is_refused_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        refuse_options({"mmproj": "file:"}, [tmp_path])
    assert caught.value.param == "mmproj"


def test_roots_are_folders_and_a_comma_alone_does_not_allow_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/one")
    assert Settings(model_roots="~/models, /srv").roots == (Path("/home/one/models"), Path("/srv"))
    assert Settings(model_roots="").roots == ()
    for nothing in (",", " ", " , "):
        with pytest.raises(ValidationError, match="names no folder"):
            Settings(model_roots=nothing)
