"""How families stand on devices, and what is suggested (``models.ledger.catalogued``)."""

from models.catalogue.entries import Family, Place, Weights, families
from models.catalogue.shipped import shipped_families, shipped_family
from models.engines import FACTS
from models.ledger.catalogued.standing import standing
from models.ledger.catalogued.suggesting import Suggestion, suggestions
from models.ledger.catalogued.usual import usual_need
from models.ledger.fit import Room
from models.ledger.need import GIB, MIB, Target
from models.ledger.parameters import stored_bytes
from models.ledger.ways import DeviceHere

FETCHED = {"hf:Qwen/Qwen2.5-0.5B-Instruct": frozenset(["model.safetensors"])}


def device(kind: str = "cpu", gib: int = 24, free: int = 20, **works: str) -> DeviceHere:
    engines = dict.fromkeys(FACTS, "") | works
    return DeviceHere(Room(f"n.{kind}", "n", gib * GIB, free * GIB), Target(kind), engines)


def family(*sizes: float, engines: tuple[str, ...] = ("llama_cpp",)) -> Family:
    specs = [
        Weights(
            "ggufv2", size=one, quantizations=("Q4_0", "Q8_0"), engines=engines, hf=Place("a/b", file="{quantization}")
        )
        for one in sizes
    ]
    return Family("some", "LLM", tuple(specs), abilities=("chat",))


def test_what_runs_and_with_what() -> None:
    small = standing(family(1, 700), [device()], trusts=False)
    assert (small.cause, small.engines) == ("", ("llama_cpp",))
    assert small.least_bytes is not None
    assert small.least_bytes < GIB
    large = standing(family(700), [device()], trusts=False)
    assert (large.cause, large.engines) == ("memory", ())
    assert large.least_bytes is not None
    assert large.least_bytes > 300 * GIB
    assert standing(family(1), [device(llama_cpp="it is not installed")], trusts=False).cause == "engine"
    assert standing(family(1, engines=()), [device()], trusts=False).cause == "unknown"


def names(*devices: DeviceHere, held: dict[str, frozenset[str]] | None = None) -> list[Suggestion]:
    return suggestions(shipped_families(), families(), devices, held or {}, trusts=False)


def test_what_is_here_is_suggested_first() -> None:
    first, second, third = names(device(), held=FETCHED)
    assert (first.family.name, first.source, first.way.engine) == ("smollm2", "package", "llama_cpp")
    assert (second.family.name, second.source, second.way.size) == ("qwen2.5-instruct", "cache", 0.5)
    assert (third.family.name, third.source) == ("Llama-3.2-Instruct", "hub")


def test_what_is_fetched_suits_the_machine() -> None:
    on_cpu, on_gpu = names(device())[1], names(device(), device("cuda"))[1]
    assert on_cpu.repository.startswith("hf:Qwen/")
    assert 0 < on_cpu.download_bytes < 1.5 * GIB < on_gpu.download_bytes < 6 * GIB
    assert on_gpu.way.devices == ("n.cuda",)
    assert names(device(llama_cpp="broken", transformers="broken", vllm="broken")) == []


def test_files_are_about_as_large_as_their_parameters() -> None:
    def stored(form: str, quantization: str, size: float | None = 1.0, kind: str = "LLM") -> int | None:
        weights = Weights(form, size=size, quantizations=(quantization,))
        return stored_bytes(Family("x", kind, (weights,)), weights, quantization)  # type: ignore[arg-type]

    assert stored("pytorch", "none") == 2_000_000_000
    assert stored("pytorch", "none", 0.1, "embedding") == 400_000_000
    assert stored("fp8", "none") == 1_031_250_000
    assert stored("ggufv2", "Q8_0") == 1_062_500_000
    assert stored("pytorch", "none", None) is None


def test_what_comes_with_headrace_is_an_entry() -> None:
    found = shipped_family("smollm2", "LLM")
    assert found is not None
    [weights] = found.specs
    assert (weights.engines, weights.size, weights.quantizations) == (("llama_cpp", "transformers"), 0.135, ("Q4_1",))
    assert shipped_family("smollm2", "image") is None


def test_of_what_comes_with_headrace_all_of_a_usual_launch_is_counted() -> None:
    small = shipped_family("smollm2", None)
    assert small is not None
    bare, whole = (standing(small, [device()], trusts=False, usual=one) for one in (lambda *_: None, usual_need))
    assert (bare.whole, whole.whole) == (False, True)
    assert bare.least_bytes is not None
    assert whole.least_bytes is not None
    assert whole.least_bytes > bare.least_bytes + 500 * MIB, "the KV cache of the usual context"
    tight = DeviceHere(Room("n.cpu", "n", 500 * MIB, 400 * MIB), Target(), dict.fromkeys(FACTS, ""))
    assert [standing(small, [tight], trusts=False, usual=one).cause for one in (lambda *_: None, usual_need)] == [
        "",
        "memory",
    ]


def test_of_weights_elsewhere_no_file_is_read() -> None:
    far = family(1)
    assert usual_need(far, far.specs[0], "Q4_0", "llama_cpp", Target()) is None
    assert not standing(far, [device()], trusts=False, usual=usual_need).whole
    assert standing(far, [device()], trusts=False, usual=usual_need) == standing(far, [device()], trusts=False)
