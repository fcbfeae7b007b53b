"""Fetching through both hubs' own libraries: what comes, what goes on where it was, and what is not taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest

from models.errors import InvalidRequest, ModelFailed
from models.hubs import progress as progress_module
from models.hubs.download import download
from models.hubs.failures import HubName
from models.hubs.progress import DownloadProgress
from tests.models.hubs.conftest import EXPECTED, HUBS, WANTED, WEIGHTS, contents, environment, fetch
from tests.support.hubs import Hub

both = pytest.mark.parametrize("kind", HUBS)


@both
def test_what_is_wanted_comes_from_both_hosts_and_nothing_else(
    hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is for the hub, and not for the host to which it redirects."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "ms-secret")

    folder = fetch(kind, tmp_path)

    assert contents(folder) == EXPECTED
    assert not [one for one in hub.requests if "other" in one.path]
    assert hub.downloads("model.safetensors") == [0]
    assert {one.authorization for one in hub.requests if one.store} == {""}
    assert any("secret" in one.authorization for one in hub.requests if not one.store)


@both
def test_what_is_here_is_not_fetched_again(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    fetch(kind, tmp_path)
    hub.forget()

    assert contents(fetch(kind, tmp_path)) == EXPECTED
    assert hub.downloads("model.safetensors") == []


@both
def test_a_connection_that_ends_is_gone_on_with(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.cut["model.safetensors"] = 1_500_000

    assert contents(fetch(kind, tmp_path)) == EXPECTED
    first, second = hub.downloads("model.safetensors")
    assert first == 0
    assert second > 1_000_000


_SCRIPT = """
import pathlib, sys
from models.hubs.download import download
download(sys.argv[1], "org/name", pathlib.Path(sys.argv[2]), (["*.json", "model.safetensors", "*.txt"], []))
print("whole")
"""


def begin(kind: HubName, cache: Path, hub: Hub) -> subprocess.Popen[bytes]:
    """Fetch in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, kind, str(cache)],
        env=os.environ | environment(hub),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@both
def test_after_a_kill_it_goes_on_at_the_byte(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.held["model.safetensors"] = 2_000_000
    with begin(kind, tmp_path, hub) as process:
        assert hub.troubles.reached.wait(60)
        while not any(path.stat().st_size > 1_000_000 for path in tmp_path.rglob("*.incomplete")):
            assert process.poll() is None
        process.kill()
    part = next(tmp_path.rglob("*.incomplete")).stat().st_size
    hub.troubles.go.set()
    hub.forget()
    said: list[DownloadProgress] = []

    assert contents(fetch(kind, tmp_path, said.append)) == EXPECTED
    begun = hub.downloads("model.safetensors")
    assert begun == [min(begun)]
    assert begun[0] >= part > 1_000_000


@both
def test_processes_that_fetch_the_same_fetch_it_once(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.held["model.safetensors"] = 1_000_000
    processes = [begin(kind, tmp_path, hub) for _ in range(3)]
    listing = "revision/main" if kind == "huggingface" else "repo/files"
    assert hub.troubles.reached.wait(60)
    while sum(one.path.endswith(listing) for one in hub.requests) < 3:  # all are about to
        assert not any(process.poll() for process in processes)
    hub.troubles.go.set()

    assert [process.communicate(timeout=60)[0].split()[-1:] for process in processes] == [[b"whole"]] * 3
    assert hub.downloads("model.safetensors") == [0]
    assert next(tmp_path.rglob("model.safetensors")).read_bytes() == WEIGHTS


@both
def test_what_arrives_damaged_is_not_kept(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.wrong.add("model.safetensors")

    with pytest.raises(ModelFailed, match=r"'model\.safetensors' of .* another size or checksum"):
        fetch(kind, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 1_000_000]

    hub.troubles.wrong.clear()
    assert contents(fetch(kind, tmp_path)) == EXPECTED


@pytest.mark.parametrize("size", [1000, 4_000_000])
def test_a_part_of_something_else_is_not_gone_on_with(hub: Hub, size: int, tmp_path: Path) -> None:
    """Such as a file system leaves after a loss of power; on ModelScope its library sees to it."""
    fetch("huggingface", tmp_path / "other")
    blob = max((tmp_path / "other").rglob("blobs/*"), key=lambda path: path.stat().st_size)
    part = (
        tmp_path
        / "huggingface"
        / blob.relative_to(tmp_path / "other" / "huggingface").with_name(f"{blob.name}.incomplete")
    )
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"x" * size)

    assert contents(fetch("huggingface", tmp_path)) == EXPECTED


@both
def test_progress_is_told_in_bytes_file_by_file(
    hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[DownloadProgress] = []
    hub.troubles.held["model.safetensors"] = 2_000_000
    monkeypatch.setattr(progress_module, "EVERY_S", 0.001)

    def tell(progress: DownloadProgress) -> None:
        said.append(progress)
        if any(one.name == "model.safetensors" for one in progress.files):
            hub.troubles.go.set()

    fetch(kind, tmp_path, tell)

    total = sum(map(len, EXPECTED.values()))
    assert {one.total_bytes for one in said} == {total}
    assert said[-1].bytes == total
    file = next(one for each in said for one in each.files)
    assert (file.name, file.total_bytes) == ("model.safetensors", len(WEIGHTS))
    assert 0 < file.bytes < len(WEIGHTS)
    assert file.bytes_per_s > 0
    assert file.eta_s is not None


@both
def test_a_revision_is_fetched_by_its_name(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    fetch(kind, tmp_path, revision="v1.0")

    assert any("v1.0" in one.path for one in hub.requests) or kind == "modelscope"
    assert list(tmp_path.rglob("v1.0"))


@both
def test_a_file_that_is_not_there(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'org/name' holds no 'none\.gguf'"):
        download(kind, "org/name", tmp_path, (["none.gguf"], []), file="none.gguf")


@both
def test_offline_nobody_is_asked(hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_OFFLINE", "1")
    with pytest.raises(InvalidRequest, match="nothing is fetched offline"):
        fetch(kind, tmp_path)
    assert hub.requests == []

    monkeypatch.setenv("HEADRACE_OFFLINE", "0")
    fetch(kind, tmp_path)
    hub.forget()
    monkeypatch.setenv("HEADRACE_OFFLINE", "true")

    assert contents(fetch(kind, tmp_path)) == EXPECTED
    next(path for path in tmp_path.rglob("model.safetensors")).unlink()
    with pytest.raises(InvalidRequest, match="is not whole in the cache"):
        fetch(kind, tmp_path)
    assert hub.requests == []


@both
def test_a_hub_that_is_away_is_not_needed_for_what_is_here(
    hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(kind, tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9")

    assert contents(fetch(kind, tmp_path)) == EXPECTED


def test_other_programs_cache_is_shared(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fetched lies where they look for it, and what they have is not fetched again."""
    from huggingface_hub import snapshot_download

    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(shared))
    snapshot_download("org/name", cache_dir=shared, endpoint=hub.url, allow_patterns=["model.safetensors"])
    hub.forget()

    folder = fetch("huggingface", own)

    assert folder.is_relative_to(shared)
    assert hub.downloads("model.safetensors") == []
    hub.forget()
    again = snapshot_download("org/name", cache_dir=shared, endpoint=hub.url, allow_patterns=WANTED[0])
    assert contents(Path(again)) == EXPECTED
    assert hub.downloads("model.safetensors") == []


def test_what_is_too_large_for_plain_http_is_left_to_the_library(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is counted where it is here already; the library refuses it here, as this hub has no Xet."""
    said: list[DownloadProgress] = []
    fetch("huggingface", tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "MAX_HTTP_DOWNLOAD_SIZE", 1_000_000)

    fetch("huggingface", tmp_path, said.append)

    assert said == []
    with pytest.raises(ModelFailed):
        fetch("huggingface", tmp_path / "other")


def test_what_our_cache_has_stays_there(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    before = fetch("huggingface", own)
    shared.mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(shared))

    assert fetch("huggingface", own) == before
    assert json.dumps(os.listdir(shared)) == "[]"
