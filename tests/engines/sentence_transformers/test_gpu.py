"""What a load on a GPU asks of sentence-transformers: a fake ``torch.cuda`` describes the card."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from models.launching.options.vectors import SentenceTransformersOptions
from tests.engines.accelerator.cards import CARDS
from tests.engines.accelerator.fake_cuda import pretend
from workers.engines.base import EngineSite
from workers.engines.sentence_transformers import load


class Interrupted(Exception):
    """A load is let go no further: weights cannot be put on a GPU that is not there."""


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    """The rest of the tests computes as before."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def asked(monkeypatch: pytest.MonkeyPatch, folder: Path, config: dict[str, Any], device: str, **options: Any) -> Any:
    """The dtype and the device with which the model is made."""
    recorded: dict[str, Any] = {}

    def model(_source: str, **keywords: Any) -> None:
        recorded.update(keywords)
        raise Interrupted

    (folder / "config.json").write_text(json.dumps(config))
    (folder / "config_sentence_transformers.json").write_text("{}")
    (folder / "modules.json").write_text("[]")
    (folder / "model.safetensors").touch()
    monkeypatch.setattr(load, "SentenceTransformer", model)
    site = EngineSite(str(folder), device, {"modality": "embeddings"} | options)
    with pytest.raises(Interrupted):
        load.load_model(site, SentenceTransformersOptions.read(site.options), lambda *_: None)
    return recorded["model_kwargs"]["dtype"], recorded["device"]


@pytest.mark.parametrize(
    ("name", "family", "own", "dtype"),
    [
        ("T4", "bert", "float32", "auto"),
        ("T4", "qwen3", "bfloat16", torch.float16),
        ("T4", "gemma3_text", "bfloat16", torch.float32),
        ("H100", "qwen3", "bfloat16", "auto"),
        ("H100", "gemma3_text", "bfloat16", "auto"),
    ],
)
def test_the_dtype_is_the_models_or_what_the_card_computes(
    name: str, family: str, own: str, dtype: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, CARDS[name])
    config = {"model_type": family, "dtype": own, "architectures": ["BertModel"]}

    assert asked(monkeypatch, tmp_path, config, "cuda:0") == (dtype, "cuda:0")
    assert asked(monkeypatch, tmp_path, config, "cuda:0", dtype="bfloat16") == (torch.bfloat16, "cuda:0")
    assert torch.get_float32_matmul_precision() == "high"


def test_on_a_cpu_all_is_float32_and_no_product_is_rounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"model_type": "qwen3", "torch_dtype": "bfloat16", "architectures": ["BertModel"]}

    assert asked(monkeypatch, tmp_path, config, "cpu") == (torch.float32, "cpu")
    assert torch.get_float32_matmul_precision() == "highest"
