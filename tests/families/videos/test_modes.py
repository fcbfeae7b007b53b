"""What videos are made from is known from the files of a model before it is loaded, as it is afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.about import about
from models.launching.peek import Peek, peek_at
from models.modalities.videos import Request
from models.modalities.videos.limits import VideoGrid, mode_of, read_grid, read_modes, refuse_beyond
from tests.families.makers.pictures.parts import saved
from tests.families.makers.videos.layouts import OF_FIRST, OF_FIRST_AND_LAST, OF_TEXT
from tests.families.videos.driver import launched

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.filterwarnings("ignore")]

ALL: dict[str, Callable[[], Any]] = {
    f"{name} of {kind}": film.make
    for kind, films in (("text", OF_TEXT), ("first", OF_FIRST), ("both", OF_FIRST_AND_LAST))
    for name, film in films.items()
}
IN_EVERY_RUN = ("wan of text", "wan of both", "ltx of text")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.families) for name in ALL]
)
async def test_files_say_what_a_loaded_model_takes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(ALL[name](), tmp_path / "model")
    found = about("diffusers", "video", peek_at(folder), {})
    async with launched(folder, monkeypatch) as engine:
        model: Any = engine.engine._model  # type: ignore[attr-defined]

    assert {*found.video_modes} == {*model.limits.modes}
    assert {*found.abilities} == {*model.abilities}
    limits = model.limits
    grid = VideoGrid(limits.multiple, limits.first_length, limits.length_step, limits.only_shape)
    assert found.video_grid == grid == read_grid(msgspec.to_builtins(found))


def test_modes_that_nobody_knows_are_none() -> None:
    assert read_modes(None) == read_modes({"video_modes": ["opera"]}) == read_modes({"video_modes": None}) == ()
    assert read_modes({"video_modes": ["text", "image"]}) == ("text", "image")
    assert about("diffusers", "video", None, {}).video_modes == []
    with pytest.raises(UnsupportedParameter, match="takes no 'image'"):
        mode_of(read_modes({"video_modes": ["text"]}), ["image"])


def test_sizes_and_lengths_that_nobody_knows_are_none() -> None:
    assert about("diffusers", "video", None, {}).video_grid is None
    assert read_grid(None) is None
    assert read_grid({"video_grid": {"multiple": "few"}}) is None
    whole = {"scale_factor_spatial": 8, "scale_factor_temporal": 4}
    for lies in ({}, whole | {"scale_factor_spatial": True}, whole | {"scale_factor_temporal": 1 << 40}):
        assert (
            about("diffusers", "video", _files("WanPipeline", {"patch_size": [1, 2, 2]}, lies), {}).video_grid is None
        )
    assert about("diffusers", "video", _files("WanPipeline", {"patch_size": ["two"]}, whole), {}).video_grid is None
    assert about("diffusers", "video", _files("OtherPipeline", {"patch_size": 2}, whole), {}).video_grid is None
    assert about("diffusers", "image", _files("WanPipeline", {"patch_size": 2}, whole), {}).video_grid is None
    long = {"temperal_downsample": [True] * 100}
    assert about("diffusers", "video", _files("SkyReelsV2Pipeline", {"patch_size": 2}, long), {}).video_grid is None


def _files(pipeline: str, network: dict[str, Any], coder: dict[str, Any]) -> Peek:
    index = {"_class_name": pipeline}
    documents = {"model_index.json": index, "transformer/config.json": network, "vae/config.json": coder}
    return Peek("/w", tuple(documents), documents=documents)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"size": "72x64"}, "size"),
        ({"num_frames": 6}, "num_frames"),
        ({"size": "64x64", "num_frames": 5}, ""),
        ({"num_frames": 5}, ""),
        ({"seconds": 1}, ""),
        ({}, ""),
    ],
)
def test_what_a_model_cannot_make_is_refused_before_its_first_load(asked: dict[str, Any], param: str) -> None:
    seen = _files("WanPipeline", {"patch_size": [1, 2, 2]}, {"scale_factor_spatial": 8, "scale_factor_temporal": 4})
    grid = about("diffusers", "video", seen, {}).video_grid
    body = Request.model_validate({"model": "m", "prompt": "a cat"} | asked)
    if not param:
        refuse_beyond(None, (), body, (), grid)
        return
    with pytest.raises(InvalidRequest) as raised:
        refuse_beyond(None, (), body, (), grid)
    assert raised.value.param == param


def test_a_network_of_one_shape_makes_no_other() -> None:
    grid = VideoGrid(16, 1, 8, (720, 480, 49))
    for asked, param in (({"size": "480x720"}, "size"), ({"num_frames": 57}, "num_frames")):
        with pytest.raises(InvalidRequest) as raised:
            refuse_beyond(None, (), Request.model_validate({"model": "m", "prompt": "a"} | asked), (), grid)
        assert raised.value.param == param
