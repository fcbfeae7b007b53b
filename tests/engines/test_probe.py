"""What the probe says of libraries, drivers and devices that are not here."""

from typing import Any

import pytest
import torch

from models.engines import FACTS
from models.launching import libraries
from workers.engines.probe import advice, questions
from workers.engines.probe.advice import Driver
from workers.engines.probe.questions import Site, Unusable

NEW = Driver("580.95.05", "13.0")
OLD = Driver("570.133.20", "12.8")
ANCIENT = Driver("470.256.02", "11.4")
NONE = Driver()


@pytest.mark.parametrize(
    ("built_for", "driver", "reason"),
    [
        ("13.0", NEW, ""),
        ("12.8", NEW, ""),
        ("12.9", OLD, ""),
        (
            "13.0",
            OLD,
            "wants driver 580 or newer; driver 570.133.20 serves CUDA 12.8: make install HEADRACE_BACKEND=cu129",
        ),
        ("12.6", ANCIENT, "wants driver 525 or newer; driver 470.256.02 serves CUDA 11.4: install NVIDIA's driver 580"),
        ("13.0", NONE, "there is no NVIDIA driver"),
        ("13.0", Driver(trouble="GPU 0 is left out: GPU is lost"), "GPU is lost"),
    ],
)
def test_a_build_wants_a_driver_of_its_generation(built_for: str, driver: Driver, reason: str) -> None:
    said = advice.too_new("torch", built_for, driver)
    assert reason in said
    assert bool(said) == bool(reason)


@pytest.mark.parametrize(
    ("kind", "driver", "command"),
    [
        ("cuda", NEW, "make install HEADRACE_BACKEND=cu130"),
        ("cuda", OLD, "make install HEADRACE_BACKEND=cu129"),
        ("metal", NONE, "make install HEADRACE_BACKEND=metal"),
    ],
)
def test_the_command_fits_the_device(kind: str, driver: Driver, command: str) -> None:
    assert advice.without_gpus("torch", "2.13.0+cpu", kind, driver).endswith(command)


@pytest.mark.parametrize(
    ("engine", "kind", "versions", "answer"),
    [
        ("echo", "cuda", {}, ""),
        ("hibari", "cuda", {"hibari": "0.2.1", "av": "18"}, ""),
        ("hibari", "cuda", {"av": "18"}, "has no 'hibari'; install headrace[hibari] (make install does)"),
        ("llama_cpp", "cpu", {"xllamacpp": "1", "llguidance": "1"}, ""),
        ("llama_cpp", "cuda", {"xllamacpp": "1", "llguidance": "1"}, None),
        ("vllm", "cpu", {"vllm": "0.32.0+cpu", "torch": "2"}, ""),
        ("vllm", "cpu", {"vllm": "0.32.0", "torch": "2"}, "is for GPUs: make vllm HEADRACE_BACKEND=cpu"),
        ("vllm", "cuda", {"vllm": "0.32.0", "torch": "2"}, None),
        ("vllm", "cpu", {}, "install headrace[vllm] (headrace engine install vllm does)"),
    ],
)
def test_what_installed_libraries_say_by_themselves(
    engine: str, kind: str, versions: dict[str, str], answer: str | None
) -> None:
    known = libraries.known(FACTS[engine], kind, versions, "python")
    if not answer:
        assert known == answer
    else:
        assert known is not None
        assert answer in known


def test_every_question_is_that_of_an_engine_that_uses_devices() -> None:
    using = {name for name, facts in FACTS.items() if facts.libraries and not facts.cpu_only}
    assert using == questions.QUESTIONS.keys()


@pytest.mark.parametrize("engine", [name for name, facts in FACTS.items() if not facts.own_environment])
def test_the_libraries_of_the_facts_are_what_is_installed(engine: str) -> None:
    versions = libraries.look(FACTS[engine].libraries)["versions"]
    assert versions.keys() == {*FACTS[engine].libraries}
    assert all(versions.values())


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch with a GPU that is this CPU: ``to`` puts there what is meant for ``cuda:0``."""
    to: Any = torch.Tensor.to

    def put(tensor: Any, place: str, *others: Any) -> Any:
        return to(tensor, "cpu" if place == "cuda:0" else place, *others)

    monkeypatch.setattr(torch.Tensor, "to", put)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    questions._opened.cache_clear()


@pytest.mark.usefixtures("card")
def test_torch_works() -> None:
    questions.torch(site(NEW))


@pytest.mark.usefixtures("card")
def test_torch_the_driver_is_too_old() -> None:
    assert "is built for CUDA 13.0, which wants driver 580 or newer" in refusal(OLD)


@pytest.mark.usefixtures("card")
def test_torch_the_build_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert refusal(NEW).endswith("has no GPU support: make install HEADRACE_BACKEND=cu130")


@pytest.mark.usefixtures("card")
def test_torch_the_device_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", raising("No CUDA GPUs are available"))
    assert "cannot open the GPU (No CUDA GPUs are available); driver 580.95.05 serves CUDA 13.0" in refusal(NEW)


@pytest.mark.usefixtures("card")
def test_torch_has_no_code_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply, fail = torch.Tensor.__matmul__, raising("CUDA error: no kernel image\nCompile with it.")
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: fail() if a.is_floating_point() else multiply(a, b))
    assert "cannot compute on the device (CUDA error: no kernel image)" in refusal(NEW)


@pytest.mark.usefixtures("card")
def test_torch_computes_wrong_products(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply = torch.Tensor.__matmul__
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: multiply(a, b) + (a.dtype == torch.float16))
    assert "computes wrong products in torch.float16" in refusal(NEW)


def site(driver: Driver) -> Site:
    return Site("cuda:0", "cuda", driver, {"torch": "2.13.0"})


def refusal(driver: Driver) -> str:
    with pytest.raises(Unusable) as caught:
        questions.torch(site(driver))
    return str(caught.value)


def raising(message: str) -> Any:
    def fail(*arguments: Any) -> Any:
        raise RuntimeError(message)

    return fail
