"""``models.ledger.headers`` and ``remote``: which files are read, of a hub by range requests, and how much of them."""

import json
import struct
from pathlib import Path

import pytest

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.peek import Peek, peek_at
from models.launching.peek_source import peek
from models.ledger import headers as reading
from models.ledger import remote
from models.ledger.headers import files_of
from tests.support.hubs import Hub
from tests.support.weights import smollm2_gguf

LARGE = 4 << 20


def safetensors(numbers: int, *, padded: int = 0) -> bytes:
    header = {"a": {"dtype": "F16", "shape": [numbers], "data_offsets": [0, 2 * numbers]}}
    text = json.dumps(header).encode() + b" " * padded
    return struct.pack("<Q", len(text)) + text + bytes(2 * numbers)


CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}).encode()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> "Hub":
    chat = {
        "config.json": CONFIG,
        "tokenizer.json": b"{}",
        "model-00001-of-00002.safetensors": safetensors(LARGE),
        "model-00002-of-00002.safetensors": safetensors(LARGE, padded=300_000),
        "consolidated.safetensors": safetensors(LARGE),
        "pytorch_model.bin": bytes(100),
    }
    path = smollm2_gguf()
    assert path is not None
    lying = chat | {"model-00001-of-00002.safetensors": b"\xff" * 4096}
    repositories = {"org/chat": chat, "org/lying": lying, "org/gguf": {"smol-Q4.gguf": path.read_bytes()}}
    site = Hub(repositories)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", site.url)
    return site


def read(source: str) -> reading.Headers:
    parsed = hub.parse(source)
    seen = peek(parsed, 10)
    assert seen is not None
    return reading.read("llama_cpp" if source.endswith(".gguf") else "transformers", parsed, seen, half=False)


def test_of_a_repository_a_few_kilobytes_are_read(served: Hub) -> None:
    with served:
        found = read("modelscope:org/chat")
    assert [one.numbers for one in found.all] == [LARGE, LARGE]
    assert set(found.tensors) == {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
    assert served.sent < 1 << 20
    files = served.repositories["org/chat"]
    taken = [name for name in files if name not in ("consolidated.safetensors", "pytorch_model.bin")]
    assert found.download == sum(len(files[name]) for name in taken)


def test_a_gguf_file_on_a_hub_is_read_to_the_end_of_its_header(served: Hub) -> None:
    path = smollm2_gguf()
    assert path is not None
    with served:
        found = read("modelscope:org/gguf/smol-Q4.gguf")
    assert found.all == list(read(str(path)).all)
    assert found.facts["llama.block_count"] == 30
    assert found.sizes == {"smol-Q4.gguf": path.stat().st_size}
    assert served.sent < path.stat().st_size // 5
    assert found.download == path.stat().st_size


def test_what_lies_on_a_hub_is_refused_all_the_same(served: Hub) -> None:
    with served, pytest.raises(InvalidRequest, match="cannot read the header of modelscope:org/lying, model-00001"):
        read("modelscope:org/lying")


def test_of_a_header_without_end_no_more_than_a_bound_is_read(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_READ", 1 << 18)
    with served, pytest.raises(InvalidRequest, match="is longer than 262144 bytes"):
        read("modelscope:org/gguf/smol-Q4.gguf")
    assert served.sent < 4 << 20


def seen(*files: str, **documents: dict[str, object]) -> Peek:
    return Peek("m", files, documents={f"{name}.json": one for name, one in documents.items()})


def test_what_is_loaded_is_read() -> None:
    both = seen(
        "model.safetensors", "model-00001-of-00001.safetensors", "adapter.safetensors", "model.fp32.safetensors"
    )
    assert files_of("transformers", both, half=False) == ["model.safetensors"]
    assert files_of("transformers", seen("weights.safetensors"), half=False) == ["weights.safetensors"]
    dense = seen("model.safetensors", "2_Dense/model.safetensors", "onnx/model.onnx")
    assert files_of("sentence_transformers", dense, half=False) == ["model.safetensors", "2_Dense/model.safetensors"]
    assert files_of("transformers", seen("pytorch_model.bin"), half=False) == ["pytorch_model.bin"]
    beside = seen("mmproj-a.gguf", "a.gguf")
    assert files_of("llama_cpp", beside, half=False) == ["a.gguf", "mmproj-a.gguf"]
    assert files_of("llama_cpp", beside, half=False, mmproj=False) == ["a.gguf"]
    whisper = seen("model.bin", "config.json")
    assert files_of("faster_whisper", whisper, half=False) == ["model.bin"]


def test_of_two_precisions_of_a_pipeline_one_is_counted() -> None:
    files = ("unet/m.safetensors", "unet/m.fp16.safetensors", "vae/m.safetensors", "other/m.safetensors")
    pipeline = seen(*files, model_index={"unet": ["diffusers", "U"], "vae": ["diffusers", "V"], "other": [None, None]})
    assert files_of("diffusers", pipeline, half=False) == ["unet/m.safetensors", "vae/m.safetensors"]
    assert files_of("diffusers", pipeline, half=True) == ["unet/m.fp16.safetensors", "vae/m.safetensors"]


def test_all_parts_of_a_split_model_are_counted(tmp_path: Path) -> None:
    part = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)
    for number in (1, 2):
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(part + bytes(100 * number))
    first = tmp_path / "m-00001-of-00002.gguf"
    found = reading.read("llama_cpp", hub.parse(str(first)), peek_at(first), half=False)
    assert sum(found.sizes.values()) == 2 * len(part) + 300


def test_the_network_of_kokoro_is_counted_wherever_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "speech" / "data"
    folder.mkdir(parents=True)
    (folder / "voices_ja.npz").write_bytes(bytes(5))
    (folder / "model.sha256").write_bytes(bytes(64))
    for number in (1, 2, 4):
        (tmp_path / f"speech_model_{number}").mkdir()
        (tmp_path / f"speech_model_{number}" / "part.bin").write_bytes(bytes(100 * number))
    assert sorted(_kokoro(folder).sizes.values()) == [5, 100, 200]

    (folder / "onnx").mkdir()
    for name in ("model_q4.onnx", "model_quantized.onnx"):
        (folder / "onnx" / name).write_bytes(bytes(1000 + len(name)))
    assert sorted(_kokoro(folder).sizes.values()) == [5, 1020]


def _kokoro(folder: Path) -> reading.Headers:
    return reading.read("kokoro", hub.parse(str(folder)), peek_at(folder), half=False)
