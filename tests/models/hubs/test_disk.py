"""A disk that is too small, or fills while something comes, is told in numbers. The disk is a real one, of memory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import ModelFailed
from models.hubs.disk import SPARE_BYTES, free_bytes, refuse_full
from models.hubs.failures import HubName
from tests.models.hubs.conftest import HUBS, environment
from tests.support.hubs import Hub

both = pytest.mark.parametrize("kind", HUBS)

_SCRIPT = """
import pathlib, sys
from models.errors import HeadraceError
from models.hubs import huggingface, modelscope, progress
from models.hubs.download import download
huggingface.LOOK_S = modelscope.LOOK_S = float(sys.argv[4])
progress.EVERY_S = 0.001
kind, disk, filler = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
def tell(progress):
    fill = disk / "of-another-program"
    if progress.bytes > 100_000 and filler and not fill.exists():
        fill.write_bytes(bytes(filler))
        print("filled", flush=True)
try:
    print(download(kind, "org/name", disk / "cache", (["*.json", "model.safetensors"], []), tell=tell))
except HeadraceError as error:
    print(error.code, error.message)
"""


def on_a_disk_of(size: int, tmp_path: Path, hub: Hub, kind: HubName, filler: int = 0, look_s: float = 0) -> str:
    """What a fetch onto a disk of so many bytes says, where another program writes ``filler`` bytes meanwhile."""
    disk = tmp_path / "disk"
    disk.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size={size} none "$2" && exec "$0" -c "$1" "$3" "$2" "$4" "$5"'
    arguments = [sys.executable, _SCRIPT, str(disk), kind, str(filler), str(look_s)]
    hub.troubles.held["model.safetensors"] = 1_000_000
    with (
        open(tmp_path / "errors", "w+") as stderr,
        subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", mount, *arguments],
            env=os.environ | environment(hub),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        assert process.stdout
        first = process.stdout.readline()
        hub.troubles.go.set()
        rest = process.stdout.read()
    errors = (tmp_path / "errors").read_text()
    if "unshare:" in errors or "mount:" in errors:
        pytest.skip("this machine lets nobody mount a disk of memory")
    assert process.returncode == 0, errors
    return first.removeprefix("filled\n") + rest


needs_unshare = pytest.mark.skipif(shutil.which("unshare") is None, reason="Linux's unshare makes the disk")


@needs_unshare
@both
def test_what_has_no_room_is_not_begun(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    said = on_a_disk_of(2 << 20, tmp_path, hub, kind)

    assert said.startswith("model_failed the disk of the model cache is too full")
    assert "3.0 MB are still to be fetched, and 2.1 MB may be used" in said
    assert not [one for one in hub.requests if one.store or "config" in one.path]


@needs_unshare
@both
def test_a_disk_that_others_fill_is_noticed_before_it_is_full(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    said = on_a_disk_of(6 << 20, tmp_path, hub, kind, filler=3_250_000)  # what is spared is touched

    assert said.startswith("model_failed the disk of the model cache is too full")
    assert "may be used" in said
    assert "has filled" not in said


@needs_unshare
@both
def test_a_disk_that_takes_no_more(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    """As where a quota is full that nobody can see."""
    said = on_a_disk_of(6 << 20, tmp_path, hub, kind, filler=5_000_000, look_s=1000)

    assert said.startswith("model_failed the disk of the model cache has filled")


def test_some_room_is_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    spare = min(SPARE_BYTES, usage.total // 50)

    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert free_bytes(tmp_path / "not" / "there") == max(0, usage.free - spare)
    refuse_full(tmp_path, max(0, usage.free - spare), "hf:org/name")
    with pytest.raises(ModelFailed):
        refuse_full(tmp_path, usage.free - spare + 1, "hf:org/name")
