"""Which file a quantisation is, by the listing of a repository."""

from dataclasses import replace

import pytest

from models.catalogue.files import settled
from models.catalogue.names import named
from models.catalogue.plans import Asked, Machine, Plan, plan
from models.errors import InvalidRequest

MACHINE = Machine(frozenset({"llama_cpp"}))
PLAN = plan(named("llama3.2:1b"), Asked(quantization="Q4_K_M", model_format="gguf"), MACHINE)
NAME = "Llama-3.2-1B-Instruct-Q4_K_M.gguf"


def chosen(files: list[str], made: Plan = PLAN) -> str:
    return settled(made, files).file


def test_the_file_that_was_told_is_taken_where_it_is_there() -> None:
    made = replace(PLAN, file="told.gguf")
    assert chosen(["told.gguf", NAME], made) == "told.gguf"


@pytest.mark.parametrize(
    ("files", "file"),
    [
        ([NAME, "Llama-3.2-1B-Instruct-Q4_K_S.gguf"], NAME),
        (["m-Q4_K_M_L.gguf", "m-UD-Q4_K_M.gguf", "m-IQ4_K_M.gguf", "m.Q4_K_M.gguf"], "m.Q4_K_M.gguf"),
        (
            ["Q4_K_M/m-Q4_K_M-00002-of-00002.gguf", "Q4_K_M/m-Q4_K_M-00001-of-00002.gguf"],
            "Q4_K_M/m-Q4_K_M-00001-of-00002.gguf",
        ),
        (["m-q4_k_m.gguf", "m-q4_k_m-00001-of-00002.gguf", "m-q4_k_m-00002-of-00002.gguf"], "m-q4_k_m.gguf"),
        (["mmproj-Q4_K_M.gguf", NAME], NAME),
        (["other/x-Q4_K_M.txt", "x-Q4_K_M.gguf"], "x-Q4_K_M.gguf"),
    ],
)
def test_a_file_is_known_by_the_quantisation_in_its_name(files: list[str], file: str) -> None:
    assert chosen(files) == file


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            ["m-Q8_0.gguf"],
            "has no file of the quantisation Q4_K_M: there is m-Q8_0.gguf; name one by model_path, as in hf:",
        ),
        ([], "there is no GGUF file"),
        (
            ["a-Q4_K_M.gguf", "b-Q4_K_M.gguf"],
            "has several files of the quantisation Q4_K_M: there is a-Q4_K_M.gguf, b-",
        ),
    ],
)
def test_what_is_not_there_is_refused(files: list[str], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        chosen(files)
    assert caught.value.param == "quantization"


def test_a_dynamic_quantisation_is_another() -> None:
    assert (
        chosen(["m-UD-Q4_K_XL.gguf", "m-Q4_K_XL.gguf"], replace(PLAN, quantization="UD-Q4_K_XL")) == "m-UD-Q4_K_XL.gguf"
    )


def test_the_file_that_sees_is_taken_from_the_listing() -> None:
    made = plan(named("gemma3:4b"), Asked(quantization="Q4_K_M"), MACHINE)
    there = [made.file, "mmproj-model-f32.gguf", "mmproj-model-bf16.gguf", "mmproj-model-f16.gguf"]

    assert settled(made, [made.file, made.options["mmproj"]]).options == made.options
    assert settled(made, there).options == {"mmproj": "mmproj-model-f16.gguf"}
    assert settled(made, [made.file]).options == {}
    assert "mmproj" not in settled(replace(made, engine="transformers", options={}), there).options


def test_a_repository_as_a_whole_needs_no_file() -> None:
    made = plan(named("BAAI/bge-m3"), Asked(), MACHINE)
    assert settled(made, []) is made
