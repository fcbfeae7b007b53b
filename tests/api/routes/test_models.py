"""What a launch reads of the devices, and what is said of its progress."""

import re
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from api.routes.models.preparing import vllm_works
from api.routes.models.routes import _failure
from api.routes.models.views import enough_of, progress_of, state_of
from models.errors import HeadraceError, HubUnreachable, NoDevice, ReplicaLost
from models.hubs.progress import DownloadProgress, FileProgress
from models.rows.records import InstanceRow, LoadedDevice, ReplicaRow
from models.rows.states import ReplicaState


def card(capability: str, engines: dict[str, str], kind: str = "cuda") -> LoadedDevice:
    return LoadedDevice("n.d", "n", kind, "a card", 1 << 34, 0, {"capability": capability}, engines, load=0)


WORKS = {"vllm": ""}


@pytest.mark.parametrize(
    ("devices", "n_gpu", "works"),
    [
        ([card("9.0", WORKS)], "auto", True),
        ([card("8.0", WORKS)], 2, True),
        ([card("", WORKS, "cpu"), card("12.1", WORKS)], "auto", True),
        ([card("7.5", WORKS)], "auto", False),
        ([card("9.0", {"vllm": "the driver is too old"})], "auto", False),
        ([card("9.0", {})], "auto", False),
        ([card("", WORKS, "cpu")], "auto", False),
        ([card("9.0", WORKS)], "None", False),
        ([card("9.0", WORKS)], None, False),
        ([card("9.0", WORKS)], 0, False),
        ([], "auto", False),
    ],
)
def test_vllm_is_preferred_where_a_newer_gpu_runs_it(
    devices: list[LoadedDevice], n_gpu: str | int | None, works: bool
) -> None:
    assert vllm_works(devices, n_gpu) is works


def replica(state: ReplicaState, stage: str, error: HeadraceError | None = None) -> ReplicaRow:
    row = error.to_row() if error else None
    numbers = (None, None, None, None, None, 0, None, None, None, 0, 0)
    return ReplicaRow("echo-0", "echo", None, None, state, stage, 0.0, row, *numbers)


def test_a_replica_that_waits_always_says_why() -> None:
    died = ReplicaLost("the runner was killed by SIGKILL")
    expected = {
        "the runner was killed by SIGKILL": replica(ReplicaState.LOADING, "waiting", died),
        "there is no GPU": replica(ReplicaState.PENDING, "waiting", NoDevice("there is no GPU")),
        "another model is being loaded onto its device, or its memory is not free yet": replica(
            ReplicaState.LOADING, "waiting"
        ),
        "": replica(ReplicaState.LOADING, "loading"),
    }
    for info, row in expected.items():
        [said] = progress_of([row], ())["replicas"]
        assert (said["info"], said["hopeless"]) == (info, False)
    assert progress_of([row], (), {"echo-0"})["replicas"][0]["hopeless"]


def test_a_download_is_told_in_bytes() -> None:
    row = replica(ReplicaState.LOADING, "downloading")
    download = DownloadProgress(2, 4, 1, 2, [FileProgress("a", 1, 3)])

    [said] = progress_of([row], (), (), {"echo-0": download})["replicas"]

    assert said["download"] == {
        "bytes": 2,
        "total_bytes": 4,
        "bytes_per_s": 1,
        "eta_s": 2,
        "files": [{"name": "a", "bytes": 1, "total_bytes": 3, "bytes_per_s": 0, "eta_s": None}],
    }
    assert progress_of([row], ())["replicas"][0]["download"] is None


ASLEEP = replica(ReplicaState.DORMANT, "")
READY = replica(ReplicaState.READY, "ready")
LOADS = replica(ReplicaState.LOADING, "loading")
LEAVES = replica(ReplicaState.STOPPING, "draining")


@pytest.mark.parametrize(
    ("rows", "ready", "enough", "stage", "fraction"),
    [
        ([READY, ASLEEP, ASLEEP], 1, 1, "ready", 1.0),
        ([READY, LOADS, ASLEEP], 1, 1, "ready", 1.0),
        ([READY, LOADS, ASLEEP], 1, 2, "loading", 0.75),
        ([LOADS, ASLEEP, ASLEEP], 0, 1, "loading", 0.5),
        ([ASLEEP, ASLEEP], 0, 1, "dormant", 0.0),
        ([READY, LOADS], 1, None, "loading", 0.75),
        ([READY, ASLEEP], 1, None, "ready", 1.0),
        ([READY, LEAVES], 1, None, "ready", 1.0),
    ],
)
def test_progress_counts_what_is_to_be_loaded(
    rows: list[ReplicaRow], ready: int, enough: int | None, stage: str, fraction: float
) -> None:
    rows = [replace(row, id=f"echo-{number}") for number, row in enumerate(rows)]
    said = progress_of(rows, {row.id for row in rows[:ready]}, enough=enough)
    assert (said["stage"], said["progress"]) == (stage, fraction)


@pytest.mark.parametrize(("least", "most", "enough"), [(None, None, None), (2, None, None), (0, 3, 1), (2, 3, 2)])
def test_enough_is_what_is_to_stay_loaded(least: int | None, most: int | None, enough: int | None) -> None:
    assert enough_of(cast("InstanceRow", SimpleNamespace(min_replicas=least, max_replicas=most))) == enough


def test_a_model_waits_where_all_that_is_to_be_loaded_does() -> None:
    waits = replica(ReplicaState.PENDING, "waiting", NoDevice("there is no room"))
    assert state_of([waits, ASLEEP]) == "waiting"
    assert state_of([ASLEEP, ASLEEP]) == "dormant"


def test_a_launch_that_failed_says_that_it_goes_on() -> None:
    row = replica(ReplicaState.FAILED, "failed", HubUnreachable("huggingface.co cannot be reached"))
    said = _failure("m", replace(row, next_try_at=int(time.time() * 1000) + 60_000))
    assert re.search(
        r"huggingface.co cannot be reached; it stays listed, and is tried again in (59|60) s", said.message
    )
    assert "tried again" not in _failure("m", row).message
