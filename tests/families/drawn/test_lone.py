"""A network alone in a file launches with the rest of its pipeline, and draws as diffusers does from the same file."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from models.errors import InvalidRequest
from models.launching import hub
from models.launching.launch import Launch, resolve
from models.launching.peek import Peek, peek_at
from tests.families.makers.pictures import flows, unets
from tests.families.makers.pictures.lone import alone, quantised, sd3_original
from tests.families.makers.pictures.originals import single_file
from tests.families.makers.pictures.parts import saved
from tests.families.pictures.drawing import SIZE, apart, bare, drawn, launched, refused
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = pytest.mark.filterwarnings("ignore")

rest = pytest.mark.families
ASKED: dict[str, Any] = {"prompt": "a red cat", "size": SIZE, "steps": 2, "seed": 3}
SQUARE: dict[str, Any] = {"width": 64, "height": 64}


def resolved(path: Path, **fields: Any) -> Any:
    """The instance that a launch of this file becomes."""
    launch = Launch.model_validate({"model_name": "mine", "model_path": str(path)} | fields)
    return resolve(launch, peek_at(path), trust_remote_code=False)


def base_of(pipe: Any, folder: Path) -> Path:
    """The pipeline's folder without the weights of its network."""
    saved(pipe, folder)
    for weights in folder.glob("transformer/*.safetensors"):
        weights.unlink()
    return folder


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("make", "write"),
    [
        pytest.param(flows.flux, alone, id="flux", marks=rest),
        pytest.param(flows.sd3, sd3_original, id="sd3"),
        pytest.param(flows.qwen, alone, id="qwen", marks=rest),
    ],
)
async def test_a_network_in_safetensors_draws_as_its_pipeline(
    make: Callable[[], Any], write: Callable[[Any, Path], Path], tmp_path: Path
) -> None:
    pipe = make()
    base, file = base_of(pipe, tmp_path / "base"), write(pipe.transformer, tmp_path / "mine.safetensors")
    instance = resolved(file, base=str(base))
    async with launched(file, base=str(base)) as engine:
        answer = await engine.ask(**ASKED)
    pipe.set_progress_bar_config(disable=True)
    blank: dict[str, Any] = {"negative_prompt": " "} if make is flows.qwen else {}

    assert (instance.engine, instance.model_type) == ("diffusers", "image")
    assert apart(answer.image, drawn(pipe, **SQUARE, **blank)) == 0


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("make", "architecture"),
    [(flows.flux, "flux"), pytest.param(flows.qwen, "qwen_image", marks=rest)],
)
async def test_a_network_in_gguf_draws_as_diffusers_draws_from_it(
    make: Callable[[], Any], architecture: str, tmp_path: Path
) -> None:
    pipe = make()
    base = base_of(pipe, tmp_path / "base")
    file = quantised(pipe.transformer, tmp_path / "mine-Q8_0.gguf", architecture)
    instance = resolved(file, base=str(base))
    async with launched(file, base=str(base)) as engine:
        answer = await engine.ask(**ASKED)
    network = type(pipe.transformer).from_single_file(
        str(file),
        config=str(base),
        subfolder="transformer",
        quantization_config=diffusers.GGUFQuantizationConfig(compute_dtype=torch.float32),
        torch_dtype=torch.float32,
    )
    blank: dict[str, Any] = {"negative_prompt": " "} if make is flows.qwen else {}
    alike = drawn(bare(base, transformer=network), **SQUARE, **blank)

    assert (instance.engine, instance.model_type) == ("diffusers", "image")
    assert apart(answer.image, alike) == 0


@pytest.mark.parametrize("kind", ["gguf", "safetensors"])
def test_without_the_rest_of_its_pipeline_a_network_is_refused(kind: str, tmp_path: Path) -> None:
    network = flows.flux().transformer
    write = {"gguf": lambda path: quantised(network, path, "flux"), "safetensors": lambda path: alone(network, path)}
    file = write[kind](tmp_path / f"mine.{kind}")
    with pytest.raises(InvalidRequest, match="alone: give the option base") as caught:
        resolved(file)
    error = refused(file)

    assert (caught.value.param, error.param) == ("base", "base")
    assert "alone: give the option base" in error.message


def test_a_base_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    base = base_of(flows.flux(), tmp_path / "base")
    other = sd3_original(flows.sd3().transformer, tmp_path / "sd3.safetensors")
    whole = single_file(unets.sd15_of_four_levels(), tmp_path / "sd15.safetensors")
    file = alone(flows.flux().transformer, tmp_path / "flux.safetensors")
    errors = [
        refused(other, base=str(base)),
        refused(whole, base=str(base)),
        refused(saved(flows.flux(), tmp_path / "flux"), base=str(base)),
        refused(file, base=str(tmp_path)),
        refused(file, base=str(tmp_path / "nowhere")),
        refused(file, base="nonsense"),
    ]
    said = [
        "is no network of",
        "leave 'base' out",
        "leave 'base' out",
        "no model_index.json",
        "nothing at",
        "names",
    ]

    assert [said_of in error.message for said_of, error in zip(said, errors, strict=True)] == [True] * 6, errors
    assert {error.param for error in errors} == {"base"}


def test_a_file_on_a_hub_is_drawn_with_where_a_base_is_named() -> None:
    seen = Peek("hf:org/name/flux.gguf", ("flux.gguf",), single=True, remote=True)
    launch = {"model_name": "mine", "model_path": "hf:org/name/flux.gguf"}
    bare, with_base, typed = [
        resolve(Launch.model_validate(launch | more), seen, trust_remote_code=False)
        for more in ({}, {"base": "hf:org/base"}, {"model_type": "image"})
    ]

    assert [one.engine for one in (bare, with_base, typed)] == ["llama_cpp", "diffusers", "diffusers"]


@pytest.mark.parametrize(
    ("architecture", "engine", "said"),
    [
        ("flux", "llama_cpp", "use model_engine 'diffusers'"),
        ("wan", None, "makes videos"),
        ("sdxl", None, "no UNets"),
    ],
)
def test_a_network_in_gguf_goes_to_no_other_engine(
    architecture: str, engine: str | None, said: str, tmp_path: Path
) -> None:
    file = quantised(torch.nn.Linear(32, 2), tmp_path / "mine.gguf", architecture)
    with pytest.raises(InvalidRequest, match=said):
        resolved(file, model_engine=engine)


def test_the_weights_of_the_bases_own_network_are_not_fetched() -> None:
    files = ["model_index.json", "transformer/a.safetensors", "transformer/config.json", "vae/a.safetensors"]
    source = hub.parse("hf:org/name")
    wanted, unwanted = hub.patterns(source, engine="diffusers", files=files, without="transformer")
    left = [one for one in files if _matches(one, wanted) and not _matches(one, unwanted)]

    assert left == ["model_index.json", "transformer/config.json", "vae/a.safetensors"]


def test_the_base_is_fetched_without_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, asked = base_of(flows.sd3(), tmp_path / "base"), []

    def fetched(source: hub.Source, cache: Path, report: Any, **how: Any) -> Path:
        asked.append((source.name, how["without"]))
        return base

    monkeypatch.setattr(hub, "fetch", fetched)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file = sd3_original(flows.sd3().transformer, tmp_path / "sd3.safetensors")
    engine_class("diffusers").load(EngineSite(str(file), "cpu", {"base": "hf:org/base"}), lambda *_: None)

    assert asked == [("org/base", "transformer")]


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
