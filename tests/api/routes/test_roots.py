"""Paths that an operator allowed, and those that lead out of them."""

from pathlib import Path

import pytest

from api.routes.models.roots import refuse_options, refuse_outside
from models.errors import InvalidRequest


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
