"""Weights that lack tensors are refused by the names of these."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from models.errors import InvalidRequest
from tests.engines.sentence_transformers.residents import minilm
from tests.families.makers.text.layouts import MANAGER
from tests.families.makers.text.making import made, write_tokenizer
from workers.engines import engine_class
from workers.engines.base import EngineSite

Tensors = dict[str, torch.Tensor]


def changed(folder: Path, change: Callable[[Tensors], object]) -> Path:
    """The folder, its weights changed."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def load(engine: str, folder: Path, **options: Any) -> None:
    """Load it, and let it go."""
    site = EngineSite(str(folder), "cpu", options)
    loaded: Any = engine_class(engine).load(site, lambda stage, fraction: None)
    if engine == "transformers":
        loaded.manager.stop(block=True, timeout=10, hard_stop=True)


def refusal(engine: str, folder: Path, **options: Any) -> InvalidRequest:
    """What the load is refused with."""
    with pytest.raises(InvalidRequest) as caught:
        load(engine, folder, **options)
    return caught.value


def without(*names: str) -> Callable[[Tensors], object]:
    return lambda tensors: [tensors.pop(name) for name in names]


def test_a_language_model_that_lacks_a_matrix(tmp_path: Path) -> None:
    lost = "model.layers.1.mlp.up_proj.weight"
    folder = changed(made(MANAGER["qwen3"], tmp_path), without(lost))

    error = refusal("transformers", folder)

    assert (error.param, lost in str(error)) == ("model_path", True)


def test_of_many_the_first_three_are_named(tmp_path: Path) -> None:
    lost = [f"model.layers.{layer}.mlp.{name}_proj.weight" for layer in range(2) for name in ("down", "gate", "up")]
    folder = changed(made(MANAGER["llama"], tmp_path), without(*lost))

    error = refusal("transformers", folder)

    assert f"{', '.join(lost[:3])} and 3 more" in str(error)


@pytest.mark.parametrize(("told", "words"), [(1, "3 more layers than"), (100_000, "says 100000 layers")])
def test_a_description_with_another_number_of_layers(tmp_path: Path, told: int, words: str) -> None:
    """With fewer, half a network would answer; with far more, the load would not end."""
    folder = made(MANAGER["llama"], tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": told}))

    assert words in str(refusal("transformers", folder))


def test_layers_that_guess_further_tokens_may_be_left_over(tmp_path: Path) -> None:
    folder = made(MANAGER["llama"], tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1, "num_nextn_predict_layers": 3}))

    load("transformers", folder)


def test_a_matrix_of_another_shape(tmp_path: Path) -> None:
    narrow = {"model.layers.0.mlp.up_proj.weight": torch.zeros(3, 64)}
    folder = changed(made(MANAGER["llama"], tmp_path), lambda tensors: tensors.update(narrow))

    assert next(iter(narrow)) in str(refusal("transformers", folder))


def test_a_head_that_is_tied_is_not_missed(tmp_path: Path) -> None:
    """What shares its numbers with another tensor is in no file."""
    config = transformers.Qwen3Config(**MANAGER["qwen3"].configuration | {"tie_word_embeddings": True, "head_dim": 16})
    transformers.Qwen3ForCausalLM(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")

    load("transformers", tmp_path)


def encoder(folder: Path) -> Path:
    """An encoder without a head and without a pooler, as those for embeddings are saved."""
    config = transformers.BertConfig(**MANAGER["llama"].configuration | {"num_labels": 1})
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def test_a_reranker_without_a_head(tmp_path: Path) -> None:
    config = transformers.BertConfig(**MANAGER["llama"].configuration | {"num_labels": 1})
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    folder = changed(tmp_path, without("classifier.bias", "classifier.weight"))

    error = refusal("sentence_transformers", folder, modality="rerank")

    assert "lack classifier.bias, classifier.weight, without" in str(error)


def test_an_encoder_that_lacks_a_matrix(tmp_path: Path) -> None:
    lost = "encoder.layer.1.attention.self.query.weight"
    folder = changed(encoder(tmp_path), without(lost))

    assert lost in str(refusal("sentence_transformers", folder, modality="embeddings"))


def test_an_encoder_without_its_pooler_is_whole(tmp_path: Path) -> None:
    """Vectors are not made by it."""
    site = EngineSite(str(encoder(tmp_path)), "cpu", {"modality": "embeddings"})

    loaded: Any = engine_class("sentence_transformers").load(site, lambda stage, fraction: None)

    assert loaded.dimensions == 64


@pytest.mark.weights
def test_the_library_is_as_before_a_load() -> None:
    before = transformers.PreTrainedModel.__dict__["from_pretrained"]
    site = EngineSite(minilm(), "cpu", {"modality": "embeddings"})

    engine_class("sentence_transformers").load(site, lambda stage, fraction: None)

    assert transformers.PreTrainedModel.__dict__["from_pretrained"] is before
