"""``models.ledger.ways``: which ways to launch a model can be gone here. Families are the catalogue's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from models.catalogue.entries import Family, Weights
from models.catalogue.names import named
from models.engines import FACTS
from models.ledger.fit import Room
from models.ledger.need import GIB, Target
from models.ledger.parameters import need_of
from models.ledger.ways import DeviceHere, WayHere, is_shaped, notes_of, too_large, ways_here
from models.ledger.ways_wire import by_engine, described, size_as_written
from tests.support.weights import smollm2_gguf

ALL = dict.fromkeys(FACTS, "")
NO_VLLM = {**ALL, "vllm": "the engine vllm is not installed"}


def device(
    name: str = "cpu", total: float = 64, free: float | None = None, engines: Mapping[str, str] = ALL, node: str = "n"
) -> DeviceHere:
    """A device of this many GiB."""
    kind = name.partition(":")[0]
    room = Room(f"{node}.{name}", node, int(total * GIB), int((total if free is None else free) * GIB))
    return DeviceHere(room, Target(kind), engines)


def of(ways: list[WayHere], **wanted: Any) -> WayHere:
    """The one way that is so."""
    [found] = [one for one in ways if all(getattr(one, name) == value for name, value in wanted.items())]
    return found


QWEN3 = named("qwen3", "LLM").family
AWQ = {"engine": "vllm", "model_format": "awq", "size": 8.0}
GGUF = {"engine": "llama_cpp", "model_format": "ggufv2", "size": 8.0, "quantization": "Q4_K_M"}


def test_what_fits_runs_on_a_gpu_before_the_cpu() -> None:
    ways = ways_here(QWEN3, [device("cpu"), device("cuda:0", 24)], trusts=False)

    assert of(ways, **GGUF).devices == ("n.cuda:0",)
    assert of(ways, **AWQ).runs
    assert of(ways, **GGUF).reason == ""


def test_an_engine_that_works_nowhere_says_why() -> None:
    ways = ways_here(QWEN3, [device("cpu", engines=NO_VLLM), device("cuda:0", 24, engines=NO_VLLM)], trusts=False)

    way = of(ways, **AWQ)
    assert (way.runs, way.cause) == (False, "engine")
    assert way.reason == "n.cpu, n.cuda:0: the engine vllm is not installed"
    asked = {name: said for name, said in NO_VLLM.items() if name != "vllm"}
    assert of(ways_here(QWEN3, [device("cpu", engines=asked)], trusts=False), **AWQ).cause == "asking"
    assert "no worker" in of(ways_here(QWEN3, [], trusts=False), **AWQ).reason


def test_what_no_device_has_room_for_says_the_numbers() -> None:
    ways = ways_here(QWEN3, [device("cpu", 3), device("cuda:0", 4)], trusts=False)

    way = of(ways, **GGUF)
    assert (way.runs, way.cause) == (False, "memory")
    assert "qwen3 needs 5.0 GiB (4.5 weights, 0.50 overhead); n.cuda:0 has 4.0 GiB in all" in way.reason
    assert of(ways, **{**GGUF, "size": 0.6, "quantization": "Q8_0"}).runs


def test_what_is_too_large_for_one_gpu_is_divided_among_several_of_one_node() -> None:
    large = {"engine": "vllm", "model_format": "pytorch", "size": 32.0}
    apart = [device("cuda:0", 48, node="a"), device("cuda:0", 48, node="b")]
    together = [device("cuda:0", 48, node="a"), device("cuda:1", 48, node="a"), device("cuda:2", 48, node="a")]

    assert of(ways_here(QWEN3, apart, trusts=False), **large).cause == "memory"
    assert of(ways_here(QWEN3, together, trusts=False), **large).devices == ("a.cuda:0", "a.cuda:1")
    assert of(ways_here(QWEN3, together, trusts=False), **{**large, "engine": "transformers"}).cause == "memory"


def test_what_is_not_free_now_runs_and_says_so() -> None:
    devices = [device("cuda:0", 24, free=1)]
    way = of(ways_here(QWEN3, devices, trusts=False), **GGUF)

    assert way.runs
    assert way.fits_now is False
    assert notes_of(way, devices) == "it needs 5.0 GiB; n.cuda:0 has 1.0 of 24.0 GiB free"
    assert described(way, devices)["reason"] == notes_of(way, devices)


def test_the_repositorys_own_code_needs_trust() -> None:
    family = Family("x", "LLM", (Weights("pytorch", 1.0, engines=("transformers",), code=("transformers",)),))

    assert ways_here(family, [device()], trusts=False)[0].cause == "code"
    assert ways_here(family, [device()], trusts=True)[0].runs


def test_what_no_engine_is_known_to_run_says_so() -> None:
    unserved = Family("x", "LLM", (Weights("pytorch", 1.0),), unserved="its network is not computed here")
    unknown = Family("y", "LLM", (Weights("pytorch", 1.0),))

    assert ways_here(unserved, [device()], trusts=False)[0].reason == "its network is not computed here"
    assert ways_here(unknown, [device()], trusts=False)[0].cause == "unknown"
    assert by_engine(unserved, ways_here(unserved, [device()], trusts=False))["vllm"] == unserved.unserved
    assert "its files say" in by_engine(unknown, ways_here(unknown, [device()], trusts=False))["vllm"]


def test_the_table_is_xinferences() -> None:
    devices = [device("cpu", 16, engines=NO_VLLM)]
    table = by_engine(QWEN3, ways_here(QWEN3, devices, trusts=False))

    assert table["vllm"] == "n.cpu: the engine vllm is not installed"
    rows = table["llama_cpp"]
    assert isinstance(rows, list)
    row = next(one for one in rows if one["model_size_in_billions"] == "0_6")
    assert row["model_format"] == "ggufv2"
    assert row["quantization"] in row["quantizations"]
    assert all(one["model_size_in_billions"] != 235 for one in rows), "that needs more than 16 GiB"


@pytest.mark.weights
def test_what_parameters_say_is_near_what_the_file_has() -> None:
    path = smollm2_gguf()
    assert path is not None
    weights = Weights("ggufv2", 0.1345, quantizations=("Q4_1",))
    told = need_of(Family("smollm2", "LLM", (weights,)), weights, "Q4_1", "llama_cpp", Target("cpu"))
    assert told is not None
    assert told.weights == pytest.approx(Path(path).stat().st_size, rel=0.2), (
        "of so small a one the table of tokens, in more bits, is a third"
    )


@pytest.mark.parametrize(
    ("engine", "written", "quantization", "kind", "gigabytes"),
    [
        ("vllm", "pytorch", "none", "cuda", 2),
        ("vllm", "awq", "Int4", "cuda", 0.5625),
        ("vllm", "gptq", "Int8", "cuda", 1.03125),
        ("vllm", "fp8", "FP8", "cuda", 1.03125),
        ("vllm", "bnb", "4-bit", "cuda", 0.5625),
        ("transformers", "pytorch", "none", "cpu", 4),
        ("transformers", "pytorch", "none", "cuda", 2),
        ("transformers", "ggufv2", "Q4_K_M", "cpu", 4),
        ("llama_cpp", "ggufv2", "UD-Q2_K_XL", "cpu", 0.375),
        ("llama_cpp", "ggufv2", "fp16", "cpu", 2),
        ("faster_whisper", "ct2", "float16", "cpu", 1),
        ("sentence_transformers", "pytorch", "none", "cpu", 4),
        ("diffusers", "diffusers", "none", "cuda", 2),
    ],
)
def test_a_billion_parameters_take(engine: str, written: str, quantization: str, kind: str, gigabytes: float) -> None:
    weights = Weights(written, 1.0, quantizations=(quantization,))
    need = need_of(Family("x", "LLM", (weights,)), weights, quantization, engine, Target(kind))

    assert need is not None
    assert need.weights == pytest.approx(gigabytes * 1e9)


@pytest.mark.parametrize(
    ("given", "written"),
    [(None, None), ("7", 7), ("7.0", 7), ("0.5", "0_5"), ("0_5", "0_5"), ("1.8b", "1_8"), ("large", "large"), ("", "")],
)
def test_a_size_is_written_as_xinference_does(given: str | None, written: int | str | None) -> None:
    assert size_as_written(given) == written


def test_what_a_name_means_is_too_large_where_no_device_will_ever_do() -> None:
    r1 = named("deepseek-r1", "LLM").family
    vast = next(one for one in r1.specs if one.format == "ggufv2" and (one.size or 0) > 600)
    asked = (r1, vast.size, "ggufv2", vast.quantizations[0], "llama_cpp")
    assert "in all" in too_large(*asked, [device("cpu", 23.5, free=1)])
    assert too_large(*asked, [device("cpu", 4096, free=1)]) == "", "others may leave it"
    assert too_large(*asked, [device("cpu", 23.5), device("cuda:0", 24, engines={})]) == "", "it is still being asked"
    assert too_large(*asked, []) == ""
    assert too_large(r1, 1.0, "ggufv2", "Q4_K_M", "llama_cpp", [device("cpu", 1)]) == "", "there is no such"


def test_options_that_change_what_weights_take_leave_it_open() -> None:
    assert is_shaped({"dtype": "bfloat16"})
    assert is_shaped({"cpu_offload_gb": 4})
    assert not is_shaped({"n_ctx": 4096})
