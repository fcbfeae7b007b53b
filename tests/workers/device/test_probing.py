"""Which engines work on a device: real processes ask the real libraries, and those that crash or hang hide no other."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from models.engines import FACTS
from models.launching.devices import Device
from models.settings import Settings
from tests.support.nvml import FakeNvml, rtx_4090
from tests.support.nvml.stuck import stuck
from workers.device import probe_process, probing
from workers.device.probe_process import ask
from workers.device.probing import Probing

CPU = Device("cpu", "cpu", "a CPU", 1 << 30)
GPU = Device("cuda:0", "cuda", "NVIDIA GeForce RTX 4090", 24 << 30, "GPU-0", "8.9", "580.95.05", "13.0")
OLDER_DRIVER = Device("cuda:0", "cuda", "NVIDIA GeForce RTX 4090", 24 << 30, "GPU-0", "8.9", "570.133.20", "12.8")
ASKED = {"llama_cpp": "xllamacpp", "transformers": "torch", "sentence_transformers": "torch", "diffusers": "torch"}
ASKED |= {"faster_whisper": "CTranslate2"}
"""The engines that a process asks under our own interpreter, and the library that decides."""
ELSEWHERE = dict.fromkeys(ASKED.keys() - {"llama_cpp"} | {"vllm"}, "/nowhere/python")

WITH_A_GPU = """
print("noise on stdout")
class Kind:
    name = "GGML_BACKEND_DEVICE_TYPE_GPU"
def get_device_info():
    with open({journal!r}, "a") as file:
        file.write("asked ")
    return [{{"type": Kind}}]
"""
WITHOUT = """
class Kind:
    name = "GGML_BACKEND_DEVICE_TYPE_CPU"
def get_device_info():
    return [{"type": Kind}]
"""


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that come before the installed ones in processes that are started from now on."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """All engines under our own interpreter: not every machine has vLLM's environment."""
    return Settings(home=tmp_path / "home", interpreters={"vllm": sys.executable})


def probed(settings: Settings, device: Device = GPU) -> dict[str, str]:
    """All answers."""
    asked = Probing(settings, device, silence_s=100)
    asked.start()
    assert asked.over.wait(110)
    answers = asked.usable()
    assert answers is not None
    assert answers.keys() == FACTS.keys()
    return answers


def test_on_a_cpu_what_is_installed_works_at_once(settings: Settings, fakes: Path) -> None:
    (fakes / "workers").mkdir()
    (fakes / "workers" / "__init__.py").touch()  # a process that asks would find nothing to run
    asked = Probing(settings, CPU)
    assert asked.usable() is None
    asked.start()
    answers = asked.usable()
    assert answers is not None
    assert all(answers[engine] == "" for engine in ("echo", "hibari", *ASKED))
    versions = asked.libraries["transformers"]
    assert {*versions} == {*FACTS["transformers"].libraries}
    assert versions["torch"] == metadata.version("torch")
    assert asked.libraries["echo"] == {}


def test_interpreters_that_hang_hold_up_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "LOOK_S", 2.0)
    hanging = {}
    for engine in ("vllm", "diffusers", "faster_whisper"):
        hanging[engine] = tmp_path / engine
        hanging[engine].write_text("#!/bin/sh\nexec sleep 1000\n")
        hanging[engine].chmod(0o755)
    interpreters = {engine: str(path) for engine, path in hanging.items()}
    asked = Probing(settings.model_copy(update={"interpreters": interpreters}), CPU)
    asked.start()

    known = asked.usable()
    assert known is not None
    assert known["transformers"] == ""
    assert not hanging.keys() & known.keys()
    assert asked.over.wait(60)
    answers = asked.usable()
    assert answers is not None
    assert all("cannot be asked" in answers[engine] for engine in hanging)


def test_a_library_that_says_much_and_answers_nothing_is_given_up(fakes: Path) -> None:
    (fakes / "xllamacpp.py").write_text("import os\nwhile True:\n    os.write(1, b'{}\\n')")
    answers = dict(ask(sys.executable, "cuda:0", ["llama_cpp", "hibari"], os.environ, 10))
    assert "did not answer within 10 s" in answers["llama_cpp"]
    assert answers["hibari"] == ""


def test_without_a_driver_each_engine_has_its_reason(settings: Settings) -> None:
    answers = probed(settings)
    assert answers["echo"] == answers["hibari"] == ""
    for engine, library in ASKED.items():
        assert library in answers[engine]
        assert "driver" in answers[engine]
        assert "crash" not in answers[engine]
    assert "vllm" in answers["vllm"].lower()


def test_reasons_name_the_builds_for_this_driver(
    settings: Settings, fake_nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_nvml.gpus, fake_nvml.driver, fake_nvml.cuda = [rtx_4090()], "570.133.20", 12080
    fake_nvml.write()
    for name, value in fake_nvml.environment.items():
        monkeypatch.setenv(name, value)
    answers = probed(settings, OLDER_DRIVER)
    assert "no GPU support: make install HEADRACE_BACKEND=cu129" in answers["llama_cpp"]
    assert "make install HEADRACE_BACKEND=cu129" in answers["transformers"]
    assert "driver 570.133.20 serves CUDA 12.8" in answers["faster_whisper"]


def test_a_library_that_crashes_hides_no_other(settings: Settings, fakes: Path) -> None:
    (fakes / "ctranslate2.py").write_text("import os\nos.abort()")
    (fakes / "torch.py").write_text("raise ZeroDivisionError('as no library should')")
    (fakes / "xllamacpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    answers = probed(settings)
    assert "SIGSEGV" in answers["llama_cpp"]
    assert "SIGABRT" in answers["faster_whisper"]
    assert "ZeroDivisionError: as no library should" in answers["diffusers"]
    assert answers["hibari"] == ""


def test_a_process_that_was_killed_is_no_crash_of_its_library(fakes: Path) -> None:
    (fakes / "xllamacpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    [(_, reason)] = ask(sys.executable, "cuda:0", ["llama_cpp"], os.environ, 100)
    assert "a process that ended with SIGKILL: the system does so where memory is short" in reason
    assert "crash" not in reason


def test_a_library_that_hangs_is_given_up(fakes: Path) -> None:
    (fakes / "xllamacpp.py").write_text("import time\ntime.sleep(1000)")
    answers = dict(ask(sys.executable, "cuda:0", ["echo", "llama_cpp", "hibari"], os.environ, 10))
    assert list(answers) == ["echo", "llama_cpp", "hibari"]
    assert answers["echo"] == answers["hibari"] == ""
    assert "did not answer within 10 s" in answers["llama_cpp"]


def test_a_process_that_is_stuck_in_the_driver_is_left_aside(
    fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_process, "END_S", 0.5)
    with stuck(tmp_path) as made:
        (fakes / "xllamacpp.py").write_text(f"{made.program}\nimport time\ntime.sleep(1000)")
        answers = dict(ask(sys.executable, "cuda:0", ["echo", "llama_cpp", "hibari"], os.environ, 10))
        assert made.is_stuck()
    assert answers["echo"] == answers["hibari"] == ""
    assert answers["llama_cpp"].endswith("the process that asked it is stuck in the driver")


def test_a_process_that_cannot_ask_says_why(fakes: Path) -> None:
    (fakes / "shutil.py").write_text("raise RuntimeError('of no use')")
    answers = dict(ask(sys.executable, "cuda:0", ["echo"], os.environ, 100))
    assert answers["echo"].endswith("ended with code 1: RuntimeError: of no use")


def test_an_interpreter_that_is_missing_spoils_its_own_engines_alone(settings: Settings, fakes: Path) -> None:
    settings = settings.model_copy(update={"interpreters": ELSEWHERE})
    (fakes / "xllamacpp.py").write_text(WITHOUT)
    answers = probed(settings)
    assert all("/nowhere/python cannot be asked" in answers[engine] for engine in ELSEWHERE)
    assert "no GPU support" in answers["llama_cpp"]


def test_what_works_is_asked_once(settings: Settings, fakes: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "own")
    settings = settings.model_copy(update={"interpreters": ELSEWHERE | {"llama_cpp": str(python)}})
    journal = tmp_path / "journal"
    (fakes / "xllamacpp.py").write_text(WITH_A_GPU.format(journal=str(journal)))

    def asked(device: Device = GPU) -> int:
        before = journal.read_text().count("asked") if journal.exists() else 0
        assert probed(settings, device)["llama_cpp"] == ""
        return journal.read_text().count("asked") - before

    assert asked() == 1
    assert asked() == 0
    assert asked(OLDER_DRIVER) == 1
    assert asked(OLDER_DRIVER) == 0
    [packages] = (tmp_path / "own").glob("lib/python*/site-packages")
    (packages / "another.dist-info").mkdir()
    assert asked(OLDER_DRIVER) == 1
    [kept] = (settings.home / "probes").iterdir()
    kept.write_text("{")
    assert asked(OLDER_DRIVER) == 1
    assert asked(OLDER_DRIVER) == 0


def test_what_does_not_work_is_asked_again_at_the_next_start(settings: Settings, fakes: Path, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"interpreters": ELSEWHERE})
    (fakes / "xllamacpp.py").write_text(WITHOUT)
    for _start in range(2):
        assert "no GPU support" in probed(settings)["llama_cpp"]
    (fakes / "xllamacpp.py").write_text(WITH_A_GPU.format(journal=str(tmp_path / "journal")))
    assert probed(settings)["llama_cpp"] == ""


def environment(folder: Path) -> Path:
    """The interpreter of an environment of its own that also has what ours has."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("\n".join(ours))
    return folder / "bin" / "python"
