"""What a load on a GPU asks of transformers and of PyTorch: a fake ``torch.cuda`` describes the card."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from models.errors import EngineFailure
from models.launching.options.text import TransformersOptions
from tests.engines.accelerator.cards import CARDS, GIB, H100, RTX_4090, T4, less
from tests.engines.accelerator.fake_cuda import pretend
from workers.engines.base import EngineSite
from workers.engines.transformers import load

TINY: dict[str, Any] = {
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "hidden_size": 16,
    "intermediate_size": 16,
    "vocab_size": 300,
}
LLAMA_8B: dict[str, Any] = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "vocab_size": 128_256,
}


FROM_CONFIG: Any = transformers.AutoModelForCausalLM.from_config


class Interrupted(Exception):
    """A load is let go no further: weights cannot be put on a GPU that is not there."""


def stored(config: Any, folder: Path) -> str:
    """The path of a model with random weights of this configuration."""
    FROM_CONFIG(config, dtype=torch.bfloat16).save_pretrained(folder)
    return str(folder)


def asked(monkeypatch: pytest.MonkeyPatch, source: str, **options: Any) -> dict[str, Any]:
    """What a load on the GPU asks ``from_pretrained`` for, and how many threads it sets."""
    recorded: dict[str, Any] = {}

    def from_pretrained(_source: Path, **keywords: Any) -> None:
        recorded.update(keywords)
        raise Interrupted

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: recorded.update(threads=number))
    monkeypatch.setattr(load, "cores", lambda: 128)
    site = EngineSite(source, "cuda:0", options)
    with pytest.raises(Interrupted):
        load.load_model(site, TransformersOptions.read(site.options), lambda *_: None)
    return recorded


@pytest.mark.parametrize(
    ("name", "family", "dtype"),
    [
        ("T4", "llama", torch.float16),
        ("T4", "gemma2", torch.float32),
        ("4090", "llama", torch.bfloat16),
        ("H100", "gemma2", torch.bfloat16),
        ("GB10", "llama", torch.bfloat16),
    ],
)
def test_weights_go_straight_to_the_card_in_a_dtype_that_it_computes(
    name: str, family: str, dtype: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = stored(transformers.AutoConfig.for_model(family, **TINY), tmp_path)
    devices = pretend(monkeypatch, CARDS[name])
    found = asked(monkeypatch, source)

    assert devices == ["cuda:0"]
    assert found["device_map"] == {"": "cuda:0"}
    assert found["dtype"] == dtype
    assert found["threads"] == 8


def test_what_the_launch_says_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = stored(transformers.AutoConfig.for_model("llama", **TINY), tmp_path)
    pretend(monkeypatch, T4)
    found = asked(monkeypatch, source, dtype="bfloat16", n_threads=3)

    assert (found["dtype"], found["threads"]) == (torch.bfloat16, 3)


def test_a_device_map_loads_the_same_weights(tmp_path: Path) -> None:
    source = stored(transformers.AutoConfig.for_model("llama", **TINY), tmp_path)
    ids = torch.tensor([[1, 2, 3]])
    plain, mapped = (
        transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **more)
        for more in ({}, {"device_map": {"": "cpu"}})
    )

    assert mapped.device == torch.device("cpu")
    assert torch.equal(plain(ids).logits, mapped(ids).logits)


def test_the_cache_is_what_the_card_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        model = FROM_CONFIG(transformers.AutoConfig.for_model("llama", **LLAMA_8B), dtype=torch.bfloat16)
    weights = sum(value.nbytes for value in model.parameters()) / GIB
    contexts = {}
    for name, card in (("4090", RTX_4090), ("H100", H100)):
        pretend(monkeypatch, less(card, weights))
        contexts[name] = load._bounds(model, TransformersOptions(), 4096)[1] // 4096
        assert load._bounds(model, TransformersOptions(kv_tokens=9000), 4096) == (2048, 9000)
        assert load._bounds(model, TransformersOptions(max_requests=1), 4096) == (2048, 4096 + 64)

    assert contexts == {"4090": 10, "H100": 32}


def test_a_card_without_room_for_one_context_is_named_with_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        model = FROM_CONFIG(transformers.AutoConfig.for_model("llama", **LLAMA_8B))
    pretend(monkeypatch, less(T4, 14))

    with pytest.raises(EngineFailure, match=r"of the GPU's 16\.1 GB 0\.6 are free beside the weights"):
        load._bounds(model, TransformersOptions(), 4096)


def test_a_model_without_attention_gets_eight_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        model = FROM_CONFIG(
            transformers.AutoConfig.for_model("mamba", hidden_size=16, num_hidden_layers=1, vocab_size=300)
        )
    pretend(monkeypatch, T4)

    assert load._bounds(model, TransformersOptions(), 4096) == (2048, 8 * 4096)
