"""What was fetched is listed with its size, and removed by name; what is not named stays."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from models.errors import Conflict, InvalidRequest, ModelNotFound
from models.hubs.cache import MOST_NAMES, WRITING_S, cached, named, newest, paths_of, remove
from tests.models.hubs.conftest import EXPECTED, HUBS, fetch
from tests.support.hubs import Hub

SIZE = sum(map(len, EXPECTED.values()))


def test_what_was_fetched_from_both_hubs_is_listed(hub: Hub, tmp_path: Path) -> None:
    assert cached(tmp_path) == []
    for kind in HUBS:
        fetch(kind, tmp_path)

    found = cached(tmp_path)

    assert [(one.source, one.files, one.whole, one.shared) for one in found] == [
        ("hf:org/name", 3, True, False),
        ("modelscope:org/name", 3, True, False),
    ]
    assert sorted(newest(tmp_path)) == ["hf:org/name", "modelscope:org/name"]
    assert all(SIZE <= one.size < SIZE + 10_000 for one in found)
    assert all(one.modified > 1e9 for one in found)


def test_it_is_told_when_it_was_last_read_by_another_than_who_fetched_it(hub: Hub, tmp_path: Path) -> None:
    fetch("huggingface", tmp_path)
    [one] = cached(tmp_path)
    assert one.read is None
    blob = next(path for path in paths_of(one) if path.name == "model.safetensors").resolve()
    os.utime(blob, (one.modified + WRITING_S + 5, one.modified))
    [link] = (one.path / "snapshots").rglob("model.safetensors")
    os.utime(link, (one.modified + 9000, one.modified), follow_symlinks=False)  # to look at a folder reads links

    assert cached(tmp_path)[0].read == pytest.approx(one.modified + WRITING_S + 5)


def test_it_is_removed_by_name_and_the_other_stays(hub: Hub, tmp_path: Path) -> None:
    for kind in HUBS:
        fetch(kind, tmp_path)
    with pytest.raises(ModelNotFound):
        named(tmp_path, "hf:org/other")
    for nonsense in ("", "name", "hf:org/name@main", "org/../..", "/etc/passwd", "pkg:a/b"):
        with pytest.raises(InvalidRequest):
            named(tmp_path, nonsense)
    assert len(named(tmp_path, "org/name")) == 2
    [one] = named(tmp_path, "hf:org/name")
    assert all(path.is_relative_to(one.path) for path in paths_of(one))
    assert any(path.name == "model.safetensors" for path in paths_of(one))

    remove(one)

    assert [left.source for left in cached(tmp_path)] == ["modelscope:org/name"]
    assert not one.path.exists()
    hub.forget()
    fetch("huggingface", tmp_path)
    assert hub.downloads("model.safetensors") == [0]


def test_of_one_that_is_a_link_the_link_is_removed(hub: Hub, tmp_path: Path) -> None:
    fetch("huggingface", tmp_path)
    [one] = cached(tmp_path)
    (tmp_path / "huggingface" / "models--org--linked").symlink_to(one.path)

    [linked] = named(tmp_path, "hf:org/linked")
    remove(linked)

    assert [left.source for left in cached(tmp_path)] == ["hf:org/name"]
    assert all(path.exists() for path in paths_of(one))


def test_what_was_cut_off_is_told_and_what_is_fetched_now_stays(hub: Hub, tmp_path: Path) -> None:
    fetch("huggingface", tmp_path)
    [one] = cached(tmp_path)
    (one.path / "blobs" / "abc.incomplete").write_bytes(b"part")
    lock = next((tmp_path / "huggingface" / ".locks").rglob("*.lock"))

    assert not cached(tmp_path)[0].whole
    with FileLock(lock), pytest.raises(Conflict, match="is being fetched"):
        remove(one)
    assert one.path.exists()


def test_other_programs_cache_is_listed_and_named(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    (shared / "datasets--org--name").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(shared))
    fetch("huggingface", tmp_path / "own")

    [one] = cached(tmp_path / "own")
    assert (one.source, one.shared) == ("hf:org/name", True)
    assert newest(tmp_path / "own") == ["hf:org/name"]
    remove(one)
    assert (shared / "datasets--org--name").is_dir()


def test_so_many_names_are_told_of_the_newest_first(tmp_path: Path) -> None:
    assert newest(tmp_path) == []
    for number in range(MOST_NAMES + 5):
        folder = tmp_path / "huggingface" / f"models--org--m{number}"
        folder.mkdir(parents=True)
        os.utime(folder, (number, number))
    found = newest(tmp_path)
    assert found[0] == f"hf:org/m{MOST_NAMES + 4}"
    assert len(found) == MOST_NAMES
