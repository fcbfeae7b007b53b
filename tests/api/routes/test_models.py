"""What a launch reads of the devices."""

import pytest

from api.routes.models.routes import vllm_works
from models.rows.records import LoadedDevice


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
