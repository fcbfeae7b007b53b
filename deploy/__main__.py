"""``python -m deploy``: what ``make install`` and ``make vllm`` ask before, between and after uv's own work.

``choose`` and ``vllm`` look at the machine, say what they chose, and write it as a script of shell variables, which
the Makefile reads. ``prepare`` and ``install-…`` act on it, ``check`` says what has come of it.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy import backend, environments, machine, ui
from deploy.backend import Plan, Refused
from deploy.environments import Recipe
from deploy.machine import Machine

ROOT = Path(__file__).parent.parent
VENV = Path(sys.prefix)
RECORD = VENV / ".backend"
LLAMA_CPP_RECORD = VENV / ".llama-cpp"
VLLM_RECORD = VENV / ".vllm"
INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
TORCH_INDEX = "https://download.pytorch.org/whl"
PROBE = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "15"}


def main() -> int:
    """Do one of the commands; exit code 1 where it is refused."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("command", choices=(*COMMANDS, *INSTALLS))
    parser.add_argument("--force", action="store_true", help="replace an environment that processes run out of")
    options = parser.parse_args()
    try:
        if options.command in INSTALLS:
            INSTALLS[options.command](options.force)
        else:
            COMMANDS[options.command]()
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:  # uv has said why
        return failed.returncode
    return 0


def choose() -> None:
    """Choose the builds for this machine, say so, and record them."""
    here = machine.examine()
    chosen = _reachable(here, backend.choose(here, _wish(), os.environ.get("UV_TORCH_BACKEND", "")))
    print(f"Here: {backend.describe(here, chosen)}")
    print(f"To download: {chosen.download}")
    for note in chosen.notes:
        print(f"Note: {note}")
    libraries = " ".join(chosen.libraries)
    _write(RECORD, chosen.torch, BACKEND=chosen.backend, LLAMA_CPP=chosen.llama_cpp, LIBRARIES=libraries)


def vllm() -> None:
    """Choose vLLM's package for this machine, say so, and record it."""
    here = machine.examine()
    chosen = backend.choose_vllm(here, os.environ.get("HEADRACE_VLLM_BACKEND") or _wish())
    indexed = _has_index(chosen.torch)
    if not indexed and not _is_at_hand(chosen.torch):
        wheel = f"{_pinned('torch')}+{chosen.torch}"
        raise Refused(
            f"{chosen.package} needs {wheel}, and {TORCH_INDEX}/{chosen.torch} cannot be reached or lacks it. "
            "Another way: a folder with that wheel in PIP_FIND_LINKS."
        )
    size = "4 GB to download, 10 on disk" if chosen.package == "vllm" else "4 GB on disk"
    print(f"Here: {backend.devices(here)}: {chosen.package} ({size})")
    for note in chosen.notes:
        print(f"Note: {note}")
    overrides = "" if chosen.package == "vllm" else "--override deploy/vllm.overrides.txt"
    torch = chosen.torch if indexed else ""
    _write(VLLM_RECORD, torch, VLLM=chosen.package, OVERRIDES=overrides)


def install_vllm(force: bool) -> None:
    """Build vLLM's environment as ``vllm`` chose, and take it where it works."""
    record = _record(VLLM_RECORD, ("VLLM", "OVERRIDES"), "python -m deploy vllm")
    torch = {"UV_TORCH_BACKEND": record["UV_TORCH_BACKEND"]} if record.get("UV_TORCH_BACKEND") else {}
    constraints, options = (ROOT / "deploy/vllm.constraints.txt",), tuple(record["OVERRIDES"].split())
    _install("vllm", record["VLLM"], constraints, options, torch, force=force)


def install_piper(force: bool) -> None:
    """Build Piper's environment, and take it where it works."""
    _install("piper", "piper", (ROOT / "constraints.txt", ROOT / "deploy/piper.constraints.txt"), force=force)


def _install(
    engine: str,
    extra: str,
    constraints: tuple[Path, ...],
    options: tuple[str, ...] = (),
    env: Mapping[str, str] = {},
    *,
    force: bool,
) -> None:
    links = {"UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS", "")}  # uv does not read pip's settings
    recipe = Recipe(engine, extra, constraints, options, {**_environment(alone=False), **links, **env})
    place = environments.install(recipe, ROOT, VENV, force=force)
    print(f"The engine {engine} is in {place}. A worker that runs finds it when it starts anew.")


def build_ui() -> None:
    """Build the web interface, where its source has changed."""
    if ui.build(ROOT, VENV):
        print("The web interface is in api/ui/dist")


def build_tested_ui() -> None:
    """Build the web interface, and install what its tests need."""
    ui.build(ROOT, VENV, tested=True)


def prepare() -> None:
    """Before the engines are installed: take away what is of another backend, and install llama.cpp's build."""
    record = _record()
    wanted, present = _wanted_torch(record), _torch_build()
    if present and wanted not in ("", "auto", present):
        print(f"PyTorch for {present} gives way to that for {wanted}")
        _uv("uninstall", "torch", "torchvision", "triton", "triton-rocm")
    llama_cpp()
    if record["LIBRARIES"]:
        _uv("install", "--no-deps", *record["LIBRARIES"].split())


def llama_cpp() -> None:
    """Install llama.cpp's build for the GPU, from its author's index; PyPI's, for CPUs, comes with the engines.

    Raises ``Refused`` where a build for a GPU would give way to that for CPUs.
    """
    flavour, requirement = _record()["LLAMA_CPP"], _pinned("xllamacpp")
    wanted = f"{flavour} {requirement}"
    present = LLAMA_CPP_RECORD.read_text().strip() if LLAMA_CPP_RECORD.exists() else ""
    if not flavour:
        if present:
            _uv("uninstall", "xllamacpp")
            LLAMA_CPP_RECORD.unlink()
        return
    if present == wanted:
        return
    index = os.environ.get("HEADRACE_LLAMA_CPP_INDEX") or f"{backend.LLAMA_CPP_INDEX}/{flavour}"
    if _resolved(requirement, f"--default-index={index}", alone=True):
        options = ("--no-deps", "--reinstall-package=xllamacpp", f"--default-index={index}")
        _uv("install", *options, requirement, alone=True)
        LLAMA_CPP_RECORD.write_text(wanted)
    elif present:
        raise Refused(
            f"{index} cannot be reached, or lacks {requirement}: llama.cpp's build for the GPU ({present}) would give "
            "way to that for CPUs. Try again later; HEADRACE_BACKEND=cpu does without."
        )
    else:
        print(f"{index} cannot be reached, or lacks {requirement}: GGUF runs on the CPU. To try again: make llama-cpp")


def check() -> None:
    """Say it where PyTorch has come for something else than what was chosen, and whether llama.cpp's build is there."""
    record, torch = _record(), _torch_build()
    if record["BACKEND"] in ("cu129", "cu130", "rocm") and torch == "cpu":
        print("PyTorch is the CPU's build, by UV_TORCH_BACKEND or a folder of wheels: it uses no GPU")
    if record["LLAMA_CPP"] and not LLAMA_CPP_RECORD.exists():
        print("llama.cpp is the CPU's build: GGUF uses no GPU. To try again: make llama-cpp")


def _wish() -> str:
    return os.environ.get("HEADRACE_BACKEND", "")


def _reachable(here: Machine, plan: Plan) -> Plan:
    """The plan, or without PyTorch's own index the nearest to it; raises ``Refused`` where the GPU would be lost."""
    if os.environ.get("UV_TORCH_BACKEND") or _has_index(plan.torch):
        return plan
    if _is_at_hand(plan.torch):
        return replace(plan, torch="", torch_from=f"PyTorch {plan.torch} of PIP_FIND_LINKS")
    missing = f"{TORCH_INDEX}/{plan.torch} cannot be reached, or lacks {_pinned('torch')}"
    if plan.backend != "cpu":
        raise Refused(
            f"{backend.devices(here)}: {missing}. Other ways: a folder with that wheel in PIP_FIND_LINKS; or "
            "HEADRACE_BACKEND=cpu make install, which does without the GPU."
        )
    note = f"{missing}: the package index' build for CUDA is installed, which runs on the CPU too."
    return replace(plan, torch="", download=backend.size("cu130"), notes=(*plan.notes, note))


def _has_index(torch: str) -> bool:
    """Whether PyTorch's index of these builds has the pinned version, for this Python and platform."""
    return not torch or bool(_resolved(_pinned("torch"), f"--torch-backend={torch}"))


def _is_at_hand(torch: str) -> bool:
    """Whether it is among the wheels of pip's settings."""
    links = os.environ.get("PIP_FIND_LINKS", "")
    return bool(links) and _resolved(_pinned("torch"), f"--find-links={links}").endswith(f"+{torch}")


def _resolved(requirement: str, *options: str, alone: bool = False) -> str:
    """What uv would install for this, as ``torch==2.13.0+cpu``; empty if nothing."""
    line = [_tool(), "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", *options, "-"]
    line.append(f"--python={sys.executable}")
    env = _environment(alone) | PROBE
    done = subprocess.run(line, input=requirement, env=env, text=True, capture_output=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def _uv(command: str, *arguments: str, alone: bool = False) -> None:
    """Run ``uv pip``; raises ``CalledProcessError``, and uv says why."""
    line = [_tool(), "pip", command, f"--python={sys.executable}", *arguments]
    subprocess.run(line, env=_environment(alone), check=True)


def _environment(alone: bool) -> dict[str, str]:
    """Ours, for uv. ``alone``: only the index that the command names is asked, and none of the user's beside it.

    uv trusts the certificates that this system trusts, as pip does, not only those that it brings.
    """
    left_out = {"UV_TORCH_BACKEND", *(INDEXES if alone else ())}
    return machine.certificates() | {name: value for name, value in os.environ.items() if name not in left_out}


def _tool() -> str:
    return str(VENV / "bin/uv")


def _pinned(package: str) -> str:
    """The requirement of the constraints: ``torch==2.13.0``."""
    [line] = re.findall(rf"^{package}==.+$", (ROOT / "constraints.txt").read_text(), re.M)
    return str(line)


def _wanted_torch(record: dict[str, str]) -> str:
    """Which of PyTorch's builds the engines will bring; empty where any will do."""
    if record.get("UV_TORCH_BACKEND"):
        return record["UV_TORCH_BACKEND"]
    if record["BACKEND"] == "cpu":
        return "cpu" if _is_at_hand("cpu") else ""
    return "cu130" if record["BACKEND"] == "cu130" else ""


def _torch_build() -> str:
    """What the installed PyTorch was built for, as uv calls it; empty where there is none. It is not imported."""
    path = Path(sysconfig.get_path("purelib"), "torch/version.py")
    if not path.exists():
        return ""
    text = path.read_text()
    label = re.search(r"__version__ = '[^']*\+([^']+)'", text)
    cuda = re.search(r"^cuda: .* = '(\d+)\.(\d+)", text, re.M)
    return label[1] if label else f"cu{cuda[1]}{cuda[2]}" if cuda else "cpu"


def _write(path: Path, torch: str, **variables: str) -> None:
    """Write a script of shell variables; a file that says the same is not touched, for make looks at its age."""
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append(f"export UV_TORCH_BACKEND={shlex.quote(torch)}" if torch else "unset UV_TORCH_BACKEND")
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(errors="replace") != text:
        path.write_text(text)


def _record(
    path: Path = RECORD, names: tuple[str, ...] = ("BACKEND", "LLAMA_CPP", "LIBRARIES"), writer: str = "make install"
) -> dict[str, str]:
    """The record of what was chosen. Raises ``Refused`` where it cannot be read, or lacks something."""
    try:
        words = (line.removeprefix("export ").partition("=") for line in path.read_text().splitlines())
        record = {name: "".join(shlex.split(value)) if value else "" for name, equals, value in words if equals}
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read ({error}): `{writer}` writes it anew.") from error
    if missing := [name for name in names if name not in record]:
        raise Refused(f"{path} lacks {', '.join(missing)}: `{writer}` writes it anew.")
    return record


COMMANDS = {
    "choose": choose,
    "vllm": vllm,
    "ui": build_ui,
    "ui-tested": build_tested_ui,
    "prepare": prepare,
    "llama-cpp": llama_cpp,
    "check": check,
}
INSTALLS = {"install-vllm": install_vllm, "install-piper": install_piper}

if __name__ == "__main__":
    sys.exit(main())
