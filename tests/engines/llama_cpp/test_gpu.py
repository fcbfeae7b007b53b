"""What a load on a GPU asks of llama.cpp, with a GPU among the devices that xllamacpp lists."""

import io
from pathlib import Path
from typing import Any

import pytest
import xllamacpp
from gguf import GGUFWriter

from models.errors import InvalidRequest
from models.launching.gguf import header
from models.launching.options.text import LlamaCppOptions
from models.ledger.cache import gguf_token_bytes
from tests.engines.accelerator.cards import CARDS, GIB, T4
from tests.support.weights import smollm2_gguf
from workers.engines.accelerator.card import Card
from workers.engines.base import EngineSite
from workers.engines.llama_cpp import load, sizes

Modes = xllamacpp.llama_split_mode
GEMMA_12B = {"layers": 48, "heads": 16, "kv_heads": 8, "head": 256, "width": 3840, "size": 6.8}
LLAMA_70B = {"layers": 80, "heads": 64, "kv_heads": 8, "head": 128, "width": 8192, "size": 40.0}


class Interrupted(Exception):
    """No server is started: there is no GPU."""


def written(path: Path, numbers: dict[str, Any], **more: Any) -> Path:
    """A file with such a model's header; of its weights it has the size alone."""
    writer = GGUFWriter(path, "gemma3")
    writer.add_block_count(numbers["layers"])
    writer.add_embedding_length(numbers["width"])
    writer.add_head_count(numbers["heads"])
    writer.add_head_count_kv(more.get("kv_heads", numbers["kv_heads"]))
    writer.add_key_length(numbers["head"])
    writer.add_value_length(numbers["head"])
    writer.add_array("general.tags", ["a", "b"])
    writer.add_tokenizer_model("llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        file.truncate(int(numbers["size"] * GIB))  # without content it takes no room on the disk
    return path


def described(number: int, card: Card) -> dict[str, Any]:
    """A card as xllamacpp lists it."""
    kinds = xllamacpp.ggml_backend_dev_type
    kind = kinds.GGML_BACKEND_DEVICE_TYPE_IGPU if card.unified else kinds.GGML_BACKEND_DEVICE_TYPE_GPU
    sizes = {"memory_free": card.free_bytes, "memory_total": card.total_bytes}
    return {"name": f"CUDA{number}", "type": kind, **sizes}


def params(monkeypatch: pytest.MonkeyPatch, path: Path, *cards: Card, device: str = "cuda:0", **options: Any) -> Any:
    """The parameters with which llama.cpp is started on these cards, all of which the replica has."""
    recorded: list[Any] = []
    listed = [*xllamacpp.get_device_info(), *(described(number, card) for number, card in enumerate(cards))]

    def server(given: Any) -> None:
        recorded.append(given)
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(xllamacpp, "get_device_info", lambda: listed)
        patched.setattr(xllamacpp, "Server", server)
        patched.setattr(sizes, "cores", lambda: 128)
        site = EngineSite(str(path), device, options, gpus=0 if device == "cpu" else len(cards))
        with pytest.raises(Interrupted):
            load.load_model(site, LlamaCppOptions.read(site.options), lambda *_: None)
    return recorded[0]


@pytest.mark.parametrize(
    ("name", "parallel"), [("T4", 4), ("3060", 2), ("4090", 8), ("A100", 8), ("H100", 8), ("GB10", 8)]
)
def test_as_many_requests_at_once_as_the_card_has_room_for(
    name: str, parallel: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = params(monkeypatch, written(tmp_path / "a.gguf", GEMMA_12B), CARDS[name])

    assert (asked.n_parallel, asked.n_ctx) == (parallel, 4096 * parallel)
    assert asked.n_gpu_layers >= 48
    assert (asked.cpuparams.n_threads, asked.cpuparams_batch.n_threads) == (4, 4)


def test_what_the_launch_says_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.gguf", GEMMA_12B)
    asked = params(monkeypatch, path, T4, n_parallel=8, n_threads=7)
    assert (asked.n_parallel, asked.n_ctx, asked.cpuparams.n_threads) == (8, 32_768, 7)

    assert params(monkeypatch, path, T4, n_ctx=8192).n_parallel == 2
    assert params(monkeypatch, path, T4, cache_type_k="q8_0", cache_type_v="q8_0").n_parallel == 8
    half = params(monkeypatch, path, T4, n_gpu_layers=24)
    assert (half.n_parallel, half.cpuparams.n_threads) == (8, 16)


def test_a_model_is_split_over_all_gpus_of_the_replica(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.gguf", LLAMA_70B)
    h100 = CARDS["H100"]
    asked = params(monkeypatch, path, h100, h100)
    assert (asked.split_mode, asked.main_gpu) == (Modes.LLAMA_SPLIT_MODE_LAYER, 0)
    assert not any(asked.tensor_split)
    assert asked.n_gpu_layers >= 80

    asked = params(monkeypatch, path, h100, h100, tensor_split=[3, 1])
    assert asked.tensor_split[:3] == [3, 1, 0]
    asked = params(monkeypatch, path, h100, h100, split_mode="row", main_gpu=1)
    assert (asked.split_mode, asked.main_gpu) == (Modes.LLAMA_SPLIT_MODE_ROW, 1)
    asked = params(monkeypatch, path, h100, h100, split_mode="none", main_gpu=1)
    assert (asked.split_mode, asked.main_gpu) == (Modes.LLAMA_SPLIT_MODE_NONE, 1)


def test_one_gpu_has_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.gguf", GEMMA_12B)
    asked = params(monkeypatch, path, T4, split_mode="layer", tensor_split=[1], main_gpu=0)
    untouched = xllamacpp.CommonParams()

    assert (asked.split_mode, asked.main_gpu) == (untouched.split_mode, untouched.main_gpu)
    assert asked.tensor_split == untouched.tensor_split


@pytest.mark.parametrize(
    ("cards", "options", "parallel"),
    [
        (["3060"], {}, 2),
        (["3060", "3060"], {}, 8),
        (["3060", "3060"], {"tensor_split": [1, 0]}, 2),
        (["3060", "3060"], {"split_mode": "none"}, 2),
        (["3060", "H100"], {}, 8),
        (["3060", "H100"], {"tensor_split": [1, 1]}, 8),
        (["H100", "3060"], {"split_mode": "none", "main_gpu": 1}, 2),
        (["H100", "3060"], {"tensor_split": [1, 9]}, 3),
    ],
)
def test_the_memory_of_all_gpus_counts(
    cards: list[str], options: dict[str, Any], parallel: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = params(monkeypatch, written(tmp_path / "a.gguf", GEMMA_12B), *(CARDS[one] for one in cards), **options)

    assert (asked.n_parallel, asked.n_ctx) == (parallel, 4096 * parallel)


@pytest.mark.parametrize(
    ("gpus", "options", "param", "said"),
    [
        (2, {"tensor_split": [1, 1, 1]}, "tensor_split", "has 3 shares, and the replica has 2 GPUs"),
        (1, {"tensor_split": [1, 1]}, "tensor_split", "has 2 shares, and the replica has 1 GPU"),
        (2, {"tensor_split": [0, 0]}, "tensor_split", "gives no GPU a share"),
        (2, {"tensor_split": [1, -1]}, "tensor_split.1", "greater than or equal to 0"),
        (2, {"tensor_split": [1, 1], "split_mode": "none"}, "tensor_split", "has no effect"),
        (2, {"main_gpu": 2, "split_mode": "none"}, "main_gpu", "is 2, and the replica has 2 GPUs"),
        (1, {"main_gpu": 1}, "main_gpu", "is 1, and the replica has 1 GPU"),
        (2, {"main_gpu": 1}, "main_gpu", "has no effect where layers are split"),
        (2, {"split_mode": "column"}, "split_mode", "'layer', 'row' or 'none'"),
        (0, {"split_mode": "row"}, "split_mode", "is set, and this replica is on a CPU"),
        (0, {"main_gpu": 0}, "main_gpu", "is set, and this replica is on a CPU"),
        (0, {"tensor_split": [1]}, "tensor_split", "is set, and this replica is on a CPU"),
    ],
)
def test_what_these_gpus_cannot_do_is_refused(
    gpus: int, options: dict[str, Any], param: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.gguf", GEMMA_12B)
    with pytest.raises(InvalidRequest, match=said) as caught:
        params(monkeypatch, path, *[T4] * gpus, device="cuda:0" if gpus else "cpu", **options)

    assert caught.value.param == param


@pytest.mark.parametrize("count", [1, 2])
def test_gpus_without_free_memory_compute_one_request(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Card(None, 16 * GIB, 0)

    assert params(monkeypatch, written(tmp_path / "a.gguf", GEMMA_12B), *[full] * count).n_parallel == 1


def test_a_gpu_that_llama_cpp_does_not_see_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [*xllamacpp.get_device_info(), described(0, T4)]
    monkeypatch.setattr(xllamacpp, "get_device_info", lambda: listed)
    site = EngineSite(str(written(tmp_path / "a.gguf", GEMMA_12B)), "cuda:0", {}, gpus=2)
    with pytest.raises(InvalidRequest, match="sees 1 of the replica's 2 GPUs"):
        load.load_model(site, LlamaCppOptions.read(site.options), lambda *_: None)


def test_on_a_cpu_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = params(monkeypatch, written(tmp_path / "a.gguf", GEMMA_12B), T4, device="cpu")
    untouched = xllamacpp.CommonParams()

    assert (asked.n_parallel, asked.n_ctx, asked.n_gpu_layers) == (8, 32_768, 0)
    assert asked.cpuparams.n_threads == untouched.cpuparams.n_threads


def test_the_parts_of_a_large_model_are_counted_together(tmp_path: Path) -> None:
    parts = [written(tmp_path / f"a-{n:05}-of-00003.gguf", LLAMA_70B) for n in (1, 2, 3)]
    written(tmp_path / "b-00002-of-00003.gguf", GEMMA_12B)

    assert sizes.weights_bytes(parts[0]) == 3 * 40 * GIB


def test_layers_may_differ(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gguf", GEMMA_12B, kv_heads=[8, 4, 0] * 16)
    with path.open("rb") as file:
        facts = header(file)

    assert gguf_token_bytes(facts, "f16", "f16") == 16 * 12 * 2 * 256 * 2


@pytest.mark.weights
def test_a_real_file_says_its_numbers() -> None:
    path = smollm2_gguf()
    assert path is not None
    with path.open("rb") as file:
        facts = header(file)

    assert facts["general.architecture"] == "llama"
    assert "general.languages" not in facts
    assert gguf_token_bytes(facts, "f16", "f16") == 30 * 3 * 64 * 2 * 2
    assert gguf_token_bytes(facts, "q8_0", "f16") == int(30 * 3 * 64 * (2 + 34 / 32))


@pytest.mark.parametrize("cut", [3, 30, 60])
def test_a_broken_header_is_no_reason_to_load_less(cut: int, tmp_path: Path) -> None:
    with written(tmp_path / "a.gguf", GEMMA_12B).open("rb") as file:
        data = file.read(cut)
    with pytest.raises(ValueError, match="breaks off"):
        header(io.BytesIO(data))
    broken = tmp_path / "b.gguf"
    broken.write_bytes(data)

    assert sizes.parallel_of(broken, [(T4, 1.0)], context=4096, most=8, types=("f16", "f16"), layers=None) == 8


def test_a_header_of_absurd_sizes_is_not_read() -> None:
    with pytest.raises(ValueError, match="megabyte"):
        header(io.BytesIO(b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + b"\1" + bytes(7) + b"\xff" * 8))
