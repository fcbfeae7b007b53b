"""The Python environments of engines that live in their own: built beside what is there, and taken once it works.

An environment that cannot be built, or whose engine cannot be imported, is thrown away: what was there stays.
"""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.backend import Refused
from deploy.taking import recover, running_from, take

MOST_NAMED = 8
FOR_TESTS = ("pytest", "pytest-asyncio", "pytest-timeout")
"""With which ``make test`` runs an engine's suites in its environment."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an environment holds: ``extra`` of our project, within ``constraints``; ``options`` and ``env`` are for uv.

    ``engine`` is what must be importable at the end.
    """

    engine: str
    extra: str
    constraints: tuple[Path, ...]
    options: tuple[str, ...]
    env: Mapping[str, str]


def install(recipe: Recipe, root: Path, venv: Path, *, force: bool = False) -> Path:
    """Build an engine's environment beside ``venv``, and take it where the engine can be imported; its folder.

    Raises ``Refused`` where another installation of it goes on, or it does not work, or, without ``force``, where
    processes run out of the one that is there; ``CalledProcessError`` where uv fails, which has said why.
    """
    place, new, old = (Path(f"{venv}-{recipe.engine}{end}") for end in ("", ".new", ".old"))
    uv = str(venv / "bin/uv")
    with _alone(venv / f".{recipe.engine}.lock", recipe.engine):
        recover(place, old)  # the last installation may have been killed
        if not force and (running := running_from(place)):
            raise Refused(
                f"{_named(running)} out of {place}, and would load parts of the new one: terminate the models on "
                f"{recipe.engine} first. With --force it is replaced all the same"
            )
        try:
            _say(1, f"making {new}")
            # Its programs find their interpreter beside themselves, since the folder gets another name.
            _run(
                [uv, "venv", "--quiet", "--clear", "--relocatable", f"--python={sys.executable}", str(new)],
                recipe,
                root,
            )
            python = str(new / "bin/python")
            _say(2, f"installing {recipe.extra} within {', '.join(one.name for one in recipe.constraints)}")
            line = [uv, "pip", "install", "--compile-bytecode", f"--python={python}", *recipe.options]
            line += [f"--constraint={one}" for one in recipe.constraints]
            line += ["--editable", f".[{recipe.extra}]", *FOR_TESTS]
            _run(line, recipe, root)
            _say(3, f"importing the engine {recipe.engine}")
            _try(python, recipe.engine, root)
            (new / ".installed").touch()
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _say(4, f"taking it as {place}")
        if running := running_from(place):  # perhaps since this began
            print(f"Note: {_named(running)} out of the one that is replaced: load the models on {recipe.engine} again")
        take(new, place, old)
    return place


def _named(pids: Sequence[int]) -> str:
    words = ", ".join(map(str, pids[:MOST_NAMED])) + (", …" if len(pids) > MOST_NAMED else "")
    return f"process {words} runs" if len(pids) == 1 else f"processes {words} run"


def _say(step: int, text: str) -> None:
    print(f"{step} of 4: {text}", flush=True)


def _run(line: Sequence[str], recipe: Recipe, root: Path) -> None:
    subprocess.run(line, cwd=root, env=recipe.env, check=True)


def _try(python: str, engine: str, root: Path) -> None:
    """Raise ``Refused``, with the last line of what it says, where the engine's class cannot be imported."""
    script = f"from workers.engines import engine_class; engine_class({engine!r})"
    done = subprocess.run([python, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise Refused(f"the new environment does not work, and was thrown away: {said}")


@contextmanager
def _alone(path: Path, engine: str) -> Iterator[None]:
    """Hold a lock that ends with this process. Raises ``Refused`` where another has it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another installation of {engine} goes on ({path})") from None
        yield
