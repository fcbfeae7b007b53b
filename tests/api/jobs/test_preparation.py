"""What a job is checked for before it is one (``api.jobs.preparation``)."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.bodies.fields import FieldRule
from api.edge.caller import Caller, Limits, Scope
from api.gateway.known_models import KnownModels
from api.jobs.preparation import JobTerms, prepare
from models.errors import InvalidRequest
from models.rows import instances
from models.rows.database import Database
from tests.models.rows.test_instances import ECHO

CALLER = Caller("", frozenset(Scope), Limits(concurrency=1, job_queue=1))
GRID = {"multiple": 16, "first_length": 1, "length_step": 4, "only_shape": None}
FILM = replace(ECHO, uid="film", model_type="video", load_on_request=True, about={"video_grid": GRID})


@pytest.mark.parametrize(("field", "value"), [("size", "72x64"), ("num_frames", 6)])
async def test_a_video_that_its_model_cannot_make_is_no_job_though_it_was_never_loaded(
    database: Database, field: str, value: Any
) -> None:
    database.call(lambda c: instances.create(c, FILM))
    gateway = cast(Any, SimpleNamespace(known_models=KnownModels(database), settings=SimpleNamespace(job_attempts=1)))
    asked = {"model": "film", "prompt": "a cat", field: value}
    rule = FieldRule("r", "/v1/videos", [], strict=True)
    with pytest.raises(InvalidRequest) as raised:
        await prepare(gateway, CALLER, "videos.generations", asked, {}, JobTerms(), rule)
    assert raised.value.param == field
