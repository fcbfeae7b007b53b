"""Whether weights are on this machine already (``models.ledger.catalogued.presence``)."""

from pathlib import Path

from models.catalogue.entries import Family, Place, Weights
from models.ledger.catalogued.presence import here, is_here

GGUF = Weights(
    "ggufv2",
    quantizations=("Q4_0", "Q4_K_M"),
    engines=("llama_cpp",),
    hf=Place("a/m-GGUF", file="m-{quantization}.gguf"),
    modelscope=Place("b/m", file="*{quantization}*", quantizations=("Q4_0",)),
)


def test_a_quantisation_is_here_by_its_file() -> None:
    held = {"hf:a/m-GGUF": frozenset(["m-Q4_K_M.gguf", "mmproj-Q4_0.gguf"])}
    assert is_here(GGUF, "Q4_K_M", held)
    assert not is_here(GGUF, "Q4_0", held)
    assert is_here(GGUF, "Q4_0", {"modelscope:b/m": frozenset(["x.q4_0.gguf"])})
    assert not is_here(GGUF, "Q4_K_M", {"modelscope:b/m": frozenset(["x.q4_k_m.gguf"])}), "that hub lacks it"


def test_a_repository_is_here_by_its_weights() -> None:
    whole = Weights("pytorch", hf=Place("a/m"))
    assert not is_here(whole, "none", {})
    assert not is_here(whole, "none", {"hf:a/m": frozenset(["config.json"])})
    assert here(Family("m", "LLM", (GGUF, whole)), {"hf:a/m": frozenset(["model.safetensors"])})


def test_what_is_on_no_hub(tmp_path: Path) -> None:
    def at(uri: str, *engines: str) -> bool:
        return is_here(Weights("pytorch", uri=uri, engines=engines), "none", {"hf:o/r": frozenset(["a.gguf"])})

    assert at("")
    assert at(str(tmp_path))
    assert not at(str(tmp_path / "gone"))
    assert at("pkg:models/catalogue/glyphs")
    assert not at("pkg:nobody_has_this/model", "transformers")
    assert at("pkg:nobody_has_this/model", "piper"), "it lies beside its engine"
    assert at("hf:o/r/a.gguf")
    assert not at("hf:o/r/b.gguf")
