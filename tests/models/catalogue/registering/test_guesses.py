"""What is guessed of weights, from their files alone, and that it can be registered as it is."""

from typing import Any

import pytest

from models.catalogue.registering.families import registered
from models.catalogue.registering.given import GivenModel
from models.catalogue.registering.guesses import guess
from models.engines import ModelType
from models.launching.peek import Peek

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 2048}


def guessed(source: str, seen: Peek, engine: str, kind: ModelType, **more: Any) -> dict[str, Any]:
    found = guess(source, seen, engine, kind, more.get("numbers"), more.get("name"))
    registered(GivenModel.model_validate(found), found, kind, None)
    return found


def test_a_repository_of_quantised_weights() -> None:
    method = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    seen = Peek("hf:a/m-7B", ("config.json", "model.safetensors"), documents={"config.json": LLAMA | method})
    found = guessed("hf:a/m-7B@abc", seen, "vllm", "LLM", numbers=1_200_000_000)
    assert found["model_specs"] == [
        {
            "model_size_in_billions": 7.0,
            "model_format": "gptq",
            "quantization": "Int4",
            "model_id": "a/m-7B",
            "model_hub": "huggingface",
            "model_revision": "abc",
        }
    ]
    assert (found["context_length"], found["model_name"], found["model_family"]) == (2048, "m-7B", "llama")


def test_parameters_are_counted_where_no_name_says_them() -> None:
    seen = Peek("/m", ("config.json", "model.safetensors"), documents={"config.json": LLAMA})
    [spec] = guessed("/m/mine", seen, "transformers", "LLM", numbers=1_234_567_890)["model_specs"]
    assert (spec["model_size_in_billions"], spec["model_uri"], spec["quantization"]) == (1.23, "file:///m/mine", "none")


def test_what_is_guessed_can_be_registered() -> None:
    seen = Peek("/m/mine", ("config.json", "model.safetensors"), documents={"config.json": {}})
    sizes = [
        guessed("/m/mine", seen, "transformers", "LLM", numbers=numbers)["model_specs"][0].get("model_size_in_billions")
        for numbers in (1_640_123, 100_000, 99_999)
    ]
    assert sizes == [0.00164, 0.0001, None]


def test_gguf_files_of_a_repository_are_a_quantisation_each() -> None:
    names = ("m-Q4_K_M.gguf", "m-UD-IQ2_XXS-00001-of-00002.gguf", "m-UD-IQ2_XXS-00002-of-00002.gguf", "mmproj-F16.gguf")
    seen = Peek("hf:a/m-GGUF", names, heads=dict.fromkeys(names, b"GGUF"))
    specs = guessed("hf:a/m-GGUF", seen, "llama_cpp", "LLM")["model_specs"]
    assert [(one["quantization"], one["model_file_name_template"]) for one in specs] == [
        ("Q4_K_M", "m-Q4_K_M.gguf"),
        ("UD-IQ2_XXS", "m-UD-IQ2_XXS-00001-of-00002.gguf"),
    ]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/m/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "Qwen2.5-0.5B-Instruct"),
        ("/m/a b$c.f16.gguf", "a-b-c"),
        ("file:///m/x%20y.gguf", "x-y"),
        ("/m/.gguf", "gguf"),
    ],
)
def test_a_file_is_called_without_its_quantisation(source: str, name: str) -> None:
    seen = Peek(source, (source.rpartition("/")[2],), heads={}, single=True, header={"general.architecture": "llama"})
    assert guessed(source, seen, "llama_cpp", "LLM")["model_name"] == name


def test_a_model_of_pictures_describes_itself() -> None:
    index = {"model_index.json": {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "x"]}}
    seen = Peek("/m/sd", ("model_index.json", "unet/a.safetensors"), documents=index)
    found = guessed("/m/sd", seen, "diffusers", "image", name="mine")
    assert (found["model_name"], found["model_uri"], found["model_family"]) == (
        *("mine", "file:///m/sd", "StableDiffusionPipeline"),
    )
    assert "text2image" in found["model_ability"]
