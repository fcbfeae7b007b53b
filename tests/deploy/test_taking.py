"""A new environment takes the place of the one that is there (``deploy.taking``)."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import taking

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone exchanges two names, and tells of processes")


exchange = taking._exchange
HOLDS = """
import mmap
with open(input(), "rb") as file:
    held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
print(flush=True)
input()
"""


class KilledError(Exception):
    """Stands for a kill."""


class Folders:
    """An environment, a new one beside it, and the name that the first gets in between."""

    def __init__(self, folder: Path) -> None:
        self.place, self.new, self.old = (folder / name for name in ("env", "env.new", "env.old"))
        for path in (self.place, self.new):
            path.mkdir()
            (path / "word").write_text(path.name)

    def take(self) -> None:
        taking.take(self.new, self.place, self.old)

    def word(self) -> str:
        return (self.place / "word").read_text()


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@linux
def test_both_change_their_names_at_once(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path, target: Path) -> None:
        raise KilledError(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KilledError):
        folders.take()
    assert folders.word() == "env.new"


@pytest.mark.parametrize("exchanges", [True, False])
def test_one_is_left_in_any_case(folders: Folders, monkeypatch: pytest.MonkeyPatch, exchanges: bool) -> None:
    monkeypatch.setattr(taking, "_exchange", lambda *_: exchanges and exchange(*_))
    folders.take()
    assert folders.word() == "env.new"
    assert not folders.new.exists()
    assert not folders.old.exists()
    folders.new.mkdir()
    folders.place.rename(folders.place.with_name("gone"))
    folders.take()  # where there was none
    assert folders.place.is_dir()


def test_what_a_kill_has_left_is_put_right(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "_exchange", lambda *_: False)
    rename = Path.rename
    named: list[Path] = []

    def killed(path: Path, target: Path) -> Path:
        if named:
            raise KilledError
        named.append(target)
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KilledError):
            folders.take()
    assert not folders.place.exists()
    taking.recover(folders.place, folders.old)
    assert folders.word() == "env"


@linux
@pytest.mark.parametrize(
    ("program", "mapped"), [("env/program.py", "other"), ("program.py", "env/word"), ("env.new/program.py", "other")]
)
def test_processes_that_run_out_of_it_are_found(folders: Folders, tmp_path: Path, program: str, mapped: str) -> None:
    (tmp_path / "other").write_text("other")
    (tmp_path / program).write_text(HOLDS)
    assert taking.running_from(folders.place) == []
    command = [sys.executable, str(tmp_path / program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{tmp_path / mapped}\n")
        process.stdin.flush()
        process.stdout.readline()
        here, there = (folders.new, folders.place) if "new" in program else (folders.place, folders.new)
        assert taking.running_from(here) == [process.pid]
        assert taking.running_from(there) == []
        process.communicate("\n")
    assert taking.running_from(folders.place) == []
