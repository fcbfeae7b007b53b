"""Which files of repositories lie in the caches (``models.hubs.holdings``)."""

from pathlib import Path

import pytest

from models.hubs import settings
from models.hubs.holdings import held, whole


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_what_is_whole_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setattr(settings, "shared", lambda: shared)
    one = tmp_path / "huggingface" / "models--a--one"
    put(one / "blobs" / "x")
    put(one / "blobs" / "y.incomplete")
    (one / "snapshots" / "1" / "sub").mkdir(parents=True)
    (one / "snapshots" / "1" / "sub" / "model.safetensors").symlink_to(one / "blobs" / "x")
    (one / "snapshots" / "1" / "gone.bin").symlink_to(one / "blobs" / "z")
    put(tmp_path / "modelscope" / "models" / "b--two" / "snapshots" / "master" / "m.gguf")
    put(shared / "models--c--three" / "snapshots" / "2" / "w-00001-of-00002.gguf")
    put(shared / "unrelated" / "snapshots" / "2" / "w.gguf")
    assert held(tmp_path) == {
        "hf:a/one": {"sub/model.safetensors"},
        "modelscope:b/two": {"m.gguf"},
        "hf:c/three": frozenset(),
    }


def test_parts_count_once_all_are_there() -> None:
    one, two = "q4/m-00001-of-00002.gguf", "q4/m-00002-of-00002.gguf"
    assert whole([one, "config.json"]) == {"config.json"}
    assert whole([one, two]) == {one, two}
