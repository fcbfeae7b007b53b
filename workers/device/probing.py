"""Which engines work on this worker's device: asked once, of every Python environment that engines have.

What the installed libraries tell by themselves is known at once; on a CPU that is everything. Other interpreters say
what they have in the background, all at the same time, since one may hang. Libraries that must open a GPU are asked in
processes (``probe_process``), one environment after another. The engines that work are written down under home, with
the versions that this depends on, and not asked again. An engine that does not work is asked again when the worker
starts anew: what was missing may be there now.
"""

import logging
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from models.engines import FACTS
from models.launching import libraries
from models.launching.devices import Device
from models.reasons import told
from models.settings import Settings
from workers.device.probe_process import ask

log = logging.getLogger(__name__)

SILENCE_S = 60.0
"""How long a library may take to answer. The first start of CUDA on a cold disk takes some 20 s."""
LOOK_S = 10.0
"""How long another interpreter may take to say what is installed."""
QUESTIONS = 1
"""To be raised when ``workers.engines.probe`` asks differently: what was written down is then asked anew."""


class Environment(msgspec.Struct, frozen=True):
    """The libraries of engines that an interpreter has: see ``libraries.look``."""

    versions: dict[str, str]
    stamp: int


class Kept(msgspec.Struct):
    """Which engines of an environment work, and what this depends on."""

    key: str
    works: list[str]


class Probing:
    """Finds out which engines work on a device."""

    def __init__(self, settings: Settings, device: Device, *, silence_s: float = SILENCE_S) -> None:
        self._settings = settings
        self._device = device
        self._silence_s = silence_s
        self._answers: dict[str, str] = {}
        self.libraries: dict[str, dict[str, str]] = {}
        """The versions of what is installed for each engine, by module; an engine that was not looked at is missing."""
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._file = settings.home / "probes" / f"{(device.uuid or device.kind).replace('/', '_')}.json"
        self.over = threading.Event()
        """Set when every engine has its answer; until then a probe may hold memory of the device."""

    def start(self) -> None:
        """Begin to ask. On a CPU all is known of our own interpreter when this returns."""
        by_interpreter: defaultdict[str, list[str]] = defaultdict(list)
        for engine in FACTS:
            by_interpreter[self._settings.interpreter(engine)].append(engine)
        if self._device.kind == "cpu":
            self._try_environment("", by_interpreter.pop("", []))
        asking = [
            threading.Thread(target=self._try_environment, args=one, name="probing", daemon=True)
            for one in by_interpreter.items()
        ]
        for thread in asking:
            thread.start()
        threading.Thread(target=self._wait_for, args=(asking,), name="probing", daemon=True).start()

    def usable(self) -> dict[str, str] | None:
        """For each engine an empty text if it works, else the reason why not. One that is missing is still asked.

        None while nothing is known. From any thread.
        """
        return self._answers or None

    def _wait_for(self, asking: Iterable[threading.Thread]) -> None:
        for thread in asking:
            thread.join()
        self.over.set()

    def _try_environment(self, interpreter: str, engines: list[str]) -> None:
        try:
            self._ask_environment(interpreter, engines)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = _mute(interpreter or sys.executable, str(error))
            self._take({engine: reason for engine in engines if engine not in self._answers})

    def _ask_environment(self, interpreter: str, engines: list[str]) -> None:
        """Answer for the engines of one interpreter: by what is installed, by what was kept, else by a process."""
        environment = _look(interpreter, engines)
        self._list(environment.versions, engines)
        known = {
            engine: libraries.known(
                FACTS[engine], self._device.kind, environment.versions, interpreter or sys.executable
            )
            for engine in engines
        }
        self._take({engine: reason for engine, reason in known.items() if reason is not None})
        asked = [engine for engine, reason in known.items() if reason is None]
        with self._opening:
            self._open(interpreter, asked, self._key(environment))

    def _open(self, interpreter: str, engines: list[str], key: str) -> None:
        """Answer for the engines of one interpreter that must open the device; one interpreter at a time."""
        kept = self._kept()
        if interpreter in kept and kept[interpreter].key == key:
            self._take({engine: "" for engine in engines if engine in kept[interpreter].works})
        left = [engine for engine in engines if engine not in self._answers]
        if not left:
            return
        for engine, reason in self._ask(interpreter, left):
            self._take({engine: reason})
        self._keep(kept | {interpreter: Kept(key, [engine for engine in engines if not self._answers[engine]])})

    def _ask(self, interpreter: str, engines: list[str]) -> Iterator[tuple[str, str]]:
        device = "cuda:0" if self._device.kind == "cuda" else self._device.kind  # the only one that it sees
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": self._device.uuid}
        return ask(interpreter or sys.executable, device, engines, environment, self._silence_s)

    def _take(self, answers: dict[str, str]) -> None:
        for engine, reason in answers.items():
            if reason:
                log.info("the engine %s does not work on %s: %s", engine, self._device.name, reason)
        with self._writing:
            self._answers = self._answers | answers  # a new one: others read it

    def _list(self, versions: Mapping[str, str], engines: Iterable[str]) -> None:
        """Write down what is installed for these engines."""
        found = {
            engine: {module: versions[module] for module in FACTS[engine].libraries if module in versions}
            for engine in engines
        }
        with self._writing:
            self.libraries = self.libraries | found  # a new one: others read it

    def _key(self, environment: Environment) -> str:
        """All that an answer depends on."""
        device = self._device
        parts = (QUESTIONS, environment, device.driver, device.cuda, device.capability)
        return msgspec.json.encode(parts, order="sorted").decode()

    def _kept(self) -> dict[str, Kept]:
        """What was written down, by interpreter; nothing where it cannot be read."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Kept])
        except (OSError, msgspec.MsgspecError):
            return {}

    def _keep(self, kept: dict[str, Kept]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_bytes(msgspec.json.encode(kept))
            new.replace(self._file)
        except OSError as error:
            log.warning("cannot write down which engines work, so they are asked again next time: %s", error)


def _mute(python: str, error: str) -> str:
    return told(f"its interpreter {python} cannot be asked: {error}", "interpreter_mute", python=python, error=error)


def _look(interpreter: str, engines: list[str]) -> Environment:
    """What is installed there for these engines. Raises OSError, SubprocessError, ValueError."""
    modules = sorted({module for engine in engines for module in FACTS[engine].libraries})
    if not interpreter:
        return msgspec.convert(libraries.look(modules), Environment)
    command = [interpreter, "-P", str(Path(libraries.__file__)), *modules]
    said = subprocess.run(command, capture_output=True, check=True, timeout=LOOK_S, stdin=subprocess.DEVNULL).stdout
    return msgspec.json.decode(said, type=Environment)
