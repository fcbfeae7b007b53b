"""What a load on a GPU asks of diffusers: a fake ``torch.cuda`` describes the card, and the weights lie on the CPU."""

import shutil
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from models.launching.options.pipelines import DiffusersOptions
from tests.engines.accelerator.cards import CARDS, H100, RTX_3060, T4, less
from tests.engines.accelerator.fake_cuda import pretend
from tests.glyphs.check import WEIGHTS
from workers.engines.accelerator.card import Card
from workers.engines.base import EngineSite
from workers.engines.diffusers import load
from workers.engines.diffusers.batch import Shape
from workers.engines.diffusers.model import Model

pytestmark = pytest.mark.weights


def loaded(monkeypatch: pytest.MonkeyPatch, folder: Path, card: Card, **options: Any) -> tuple[Model, dict[str, Any]]:
    """A model as it is loaded on this card, and what was asked of diffusers and PyTorch."""
    recorded: dict[str, Any] = {}
    make = diffusers.DiffusionPipeline.from_pretrained

    def from_pretrained(source: Path, **keywords: Any) -> Any:
        recorded.update(keywords)
        return make(source, **keywords)

    pretend(monkeypatch, card)
    monkeypatch.setattr(diffusers.DiffusionPipeline, "from_pretrained", from_pretrained)
    monkeypatch.setattr(diffusers.DiffusionPipeline, "to", lambda _, device: recorded.update(device=device))
    monkeypatch.setattr(torch, "set_num_threads", lambda number: recorded.update(threads=number))
    monkeypatch.setattr(load, "cores", lambda: 128)
    model = load.load_model(EngineSite(str(folder), "cuda:0", options), lambda *_: None)
    assert isinstance(model, Model)
    return model, recorded


@pytest.fixture
def doubled(tmp_path: Path) -> Path:
    """The weights, and the UNet in half precision beside."""
    shutil.copytree(WEIGHTS, tmp_path / "both")
    unet: Any = diffusers.UNet2DConditionModel.from_pretrained(WEIGHTS / "unet", torch_dtype=torch.float16)
    unet.save_pretrained(tmp_path / "both" / "unet", variant="fp16")
    return tmp_path / "both"


@pytest.mark.parametrize("name", ["T4", "3060", "H100"])
def test_a_gpu_gets_half_precision_and_decodes_one_picture_after_another(
    name: str, doubled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = loaded(monkeypatch, doubled, CARDS[name])

    assert (asked["dtype"], asked["variant"]) == (torch.float16, "fp16")
    assert model.base.unet.dtype == model.base.vae.dtype == torch.float16
    assert model.base.vae.use_slicing
    assert (asked["device"], asked["threads"], model.threads) == ("cuda:0", 8, 8)


def test_without_such_files_the_plain_ones_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = loaded(monkeypatch, WEIGHTS, H100)
    assert "variant" not in asked


def test_float32_is_loaded_from_float32(doubled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = loaded(monkeypatch, doubled, T4, dtype="float32")
    assert (asked["dtype"], "variant" in asked) == (torch.float32, False)


@pytest.mark.parametrize(("name", "dtype"), [("T4", torch.float16), ("3060", torch.bfloat16), ("GB10", torch.bfloat16)])
def test_a_transformer_draws_in_what_the_card_computes(name: str, dtype: torch.dtype) -> None:
    index = {"_class_name": "FluxPipeline", "transformer": ["diffusers", "FluxTransformer2DModel"]}
    assert load._dtype(DiffusersOptions(), index, CARDS[name]) == dtype


def test_as_many_pictures_are_drawn_at_once_as_then_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = loaded(monkeypatch, WEIGHTS, RTX_3060)
    large, small = (Shape("text", side, side, 20, 5.0) for side in (1024, 512))

    assert (model.batch_of(large), model.batch_of(small)) == (8, 8)
    pretend(monkeypatch, less(RTX_3060, 6.9))
    assert (model.batch_of(large), model.batch_of(small)) == (3, 8)
    model.options.max_batch = 5
    assert model.batch_of(large) == 8, "what the launch says is done"


def test_on_a_cpu_nothing_is_measured() -> None:
    model = load.load_model(EngineSite(str(WEIGHTS), "cpu", {"n_threads": 1}), lambda *_: None)

    assert isinstance(model, Model)
    assert model.base.dtype == torch.float32
    assert not model.base.vae.use_slicing
    assert model.batch_of(Shape("text", 4096, 4096, 20, 5.0)) == 4
    assert model.threads == 1
