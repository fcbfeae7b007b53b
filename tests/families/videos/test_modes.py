"""What videos are made from is known from the files of a model before it is loaded, as it is afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.errors import UnsupportedParameter
from models.launching.about import about
from models.launching.peek import peek_at
from models.modalities.videos.limits import mode_of, read_modes
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


def test_modes_that_nobody_knows_are_none() -> None:
    assert read_modes(None) == read_modes({"video_modes": ["opera"]}) == read_modes({"video_modes": None}) == ()
    assert read_modes({"video_modes": ["text", "image"]}) == ("text", "image")
    assert about("diffusers", "video", None, {}).video_modes == []
    with pytest.raises(UnsupportedParameter, match="takes no 'image'"):
        mode_of(read_modes({"video_modes": ["text"]}), ["image"])
