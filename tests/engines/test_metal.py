"""What engines ask of their libraries on Metal, as far as a machine without it can show: the calls are recorded."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.errors import InvalidRequest
from models.launching.options.text import LlamaCppOptions, TransformersOptions
from tests.support.weights import minilm_directory, smollm2_directory, smollm2_gguf
from workers.engines.base import EngineSite, torch_device

xllamacpp = pytest.importorskip("xllamacpp")
torch = pytest.importorskip("torch")

KINDS = xllamacpp.ggml_backend_dev_type
CPU = {"name": "CPU", "type": KINDS.GGML_BACKEND_DEVICE_TYPE_CPU, "memory_free": 1 << 34, "memory_total": 1 << 34}
METAL = CPU | {"name": "Metal", "type": KINDS.GGML_BACKEND_DEVICE_TYPE_GPU}
ACCELERATE = CPU | {"name": "BLAS", "type": KINDS.GGML_BACKEND_DEVICE_TYPE_ACCEL}


class Interrupted(Exception):
    """A load is let go no further: there is no such device."""


class Recorder:
    """A model that goes where it is sent."""

    def __init__(self, device: Any = None) -> None:
        self.device = device

    def to(self, device: Any) -> "Recorder":
        self.device = device
        return self

    def eval(self) -> "Recorder":
        raise Interrupted


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU of 16 GB, as PyTorch describes it. The threads of this process stay as they are: later tests compute."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 16 << 30)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 0)


@pytest.mark.parametrize(("device", "name"), [("metal", "mps"), ("cpu", "cpu"), ("cuda:0", "cuda:0")])
def test_pytorchs_name_for_a_device(device: str, name: str) -> None:
    assert torch_device(device) == name


def llama_cpp(monkeypatch: pytest.MonkeyPatch, device: str, devices: list[dict[str, Any]], **options: Any) -> Any:
    """The parameters with which llama.cpp is started by a build that sees these devices."""
    from workers.engines.llama_cpp import load

    recorded: list[Any] = []

    def server(params: Any) -> None:
        recorded.append(params)
        raise Interrupted

    monkeypatch.setattr(xllamacpp, "get_device_info", lambda: devices)
    monkeypatch.setattr(xllamacpp, "Server", server)
    site = EngineSite(str(smollm2_gguf()), device, options)
    with pytest.raises(Interrupted):
        load.load_model(site, LlamaCppOptions.read(site.options), lambda *_: None)
    return recorded[0]


MAC = [METAL, ACCELERATE, CPU]


@pytest.mark.weights
def test_llama_cpp_puts_all_layers_on_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    params = llama_cpp(monkeypatch, "metal", MAC)

    assert params.n_gpu_layers >= 200
    assert not params.no_op_offload
    assert params.n_batch == 2048
    assert llama_cpp(monkeypatch, "metal", MAC, n_gpu_layers=7).n_gpu_layers == 7


@pytest.mark.weights
def test_llama_cpp_leaves_metal_alone_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    params = llama_cpp(monkeypatch, "cpu", MAC)

    assert params.n_gpu_layers == 0
    assert params.no_op_offload
    assert llama_cpp(monkeypatch, "cpu", MAC, n_gpu_layers=0).n_gpu_layers == 0


@pytest.mark.weights
@pytest.mark.parametrize(
    ("device", "devices", "options", "param"),
    [("cpu", MAC, {"n_gpu_layers": 7}, "n_gpu_layers"), ("metal", [ACCELERATE, CPU], {}, "device")],
    ids=["layers on a CPU", "a build without Metal"],
)
def test_llama_cpp_drops_no_wish_in_silence(
    device: str, devices: list[dict[str, Any]], options: dict[str, Any], param: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        llama_cpp(monkeypatch, device, devices, **options)
    assert refused.value.param == param


@pytest.mark.weights
def test_transformers_goes_to_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    from workers.engines.transformers import load

    made: list[Recorder] = []
    asked: dict[str, Any] = {}

    def from_pretrained(_source: Path, **keywords: Any) -> tuple[Recorder, dict[str, list[str]]]:
        asked.update(keywords)
        made.append(Recorder(keywords.get("device_map", {}).get("")))
        return made[0], {"missing_keys": [], "mismatched_keys": []}

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    site = EngineSite(str(smollm2_directory()), "metal", {})
    with pytest.raises(Interrupted):
        load.load_model(site, TransformersOptions.read(site.options), lambda *_: None)

    assert made[0].device == "mps"
    assert asked["dtype"] == torch.bfloat16


def test_a_token_is_drawn_without_float64_on_metal() -> None:
    from workers.engines.transformers.sampling import Sampling

    class OnMetal(torch.Tensor):  # type: ignore[misc,name-defined]
        device = torch.device("mps")

        def cpu(self) -> Any:
            return self.as_subclass(torch.Tensor)

        def double(self) -> Any:
            raise TypeError("the MPS framework doesn't support float64")

    logits = torch.tensor([0.0, 3.0, 1.0, 2.0])
    for top_p in (1.0, 0.8):
        here, there = (Sampling(1.0, top_p, random=Random(5)) for _ in range(2))
        drawn = [here.pick(logits) for _ in range(20)]
        assert [there.pick(logits.as_subclass(OnMetal)) for _ in range(20)] == drawn
        assert len(set(drawn)) > 1


@pytest.mark.weights
def test_sentence_transformers_goes_to_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.launching.options.vectors import SentenceTransformersOptions
    from workers.engines.sentence_transformers import load

    asked: dict[str, Any] = {}

    def made(_source: str, **keywords: Any) -> None:
        asked.update(keywords)
        raise Interrupted

    monkeypatch.setattr(load, "SentenceTransformer", made)
    site = EngineSite(str(minilm_directory()), "metal", {})
    with pytest.raises(Interrupted):
        load.load_model(site, SentenceTransformersOptions.read(site.options), lambda *_: None)

    assert asked["device"] == "mps"


def glyphs() -> str:
    from models.catalogue import find
    from models.launching import hub

    return str(hub.fetch(hub.parse(find("glyphs", None, None, None).source), Path(), lambda *_: None))


def test_diffusers_goes_to_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.engines.diffusers import load

    recorder = Recorder()

    def model(base: Recorder, *_: Any) -> None:
        raise Interrupted

    monkeypatch.setattr(load, "_base", lambda *_: recorder)
    monkeypatch.setattr(load, "Model", model)
    with pytest.raises(Interrupted):
        load.load_model(EngineSite(glyphs(), "metal", {}), lambda *_: None)

    assert recorder.device == "mps"


def test_diffusers_cannot_offload_where_memory_is_one() -> None:
    from workers.engines.diffusers import load

    with pytest.raises(InvalidRequest, match="memory of its own") as refused:
        load.load_model(EngineSite(glyphs(), "metal", {"cpu_offload": True}), lambda *_: None)
    assert refused.value.param == "cpu_offload"


def test_whisper_runs_on_the_cpu_of_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.engines.faster_whisper import engine

    asked: dict[str, Any] = {}

    def loaded(_path: Path, **keywords: Any) -> None:
        asked.update(keywords)
        raise Interrupted

    monkeypatch.setattr(engine, "in_ct2", lambda path, *_: path)
    monkeypatch.setattr(engine, "_load", loaded)
    with pytest.raises(Interrupted):
        engine.FasterWhisper.load(EngineSite("x", "metal", {}), lambda *_: None)

    assert (asked["device"], asked["compute_type"]) == ("cpu", "int8")
