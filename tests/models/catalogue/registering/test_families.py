"""What a description comes to: the weights, where they are, and what of it is refused or left out."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.catalogue.entries import Family, Place, Weights
from models.catalogue.names import Named, named
from models.catalogue.plans import Asked, Machine, plan
from models.catalogue.registering.families import Registered, in_own_form, refuse_taken, registered
from models.catalogue.registering.given import GivenModel
from models.engines import ModelType
from models.errors import Conflict, HeadraceError, InvalidRequest, UnsupportedParameter

GGUF = {"model_format": "ggufv2", "model_size_in_billions": 7, "model_file_name_template": "m.{quantization}.gguf"}


def made(model_type: ModelType = "LLM", kin: Family | None = None, **fields: Any) -> Registered:
    shown = {"model_name": "mine", **fields}
    return registered(GivenModel.model_validate(shown), shown, model_type, kin)


def test_version_1_has_a_hub_a_spec() -> None:
    hf = GGUF | {"quantizations": ["Q4_0", "Q8_0"], "model_id": "a/b", "model_revision": "abc"}
    [weights] = made(version=1, model_specs=[hf, hf | {"model_hub": "modelscope", "model_id": "c/d"}]).family.specs
    assert weights == Weights(
        "ggufv2",
        7.0,
        quantizations=("Q4_0", "Q8_0"),
        engines=("llama_cpp",),
        hf=Place("a/b", "abc", "m.{quantization}.gguf"),
        modelscope=Place("c/d", "abc", "m.{quantization}.gguf"),
    )


def test_version_2_has_the_hubs_of_a_spec_and_what_each_has() -> None:
    src = {
        "huggingface": {"model_id": "a/b-{quantization}", "quantizations": ["Int4", "Int8"]},
        "modelscope": {"model_id": "c/d-{quantization}", "quantizations": ["Int8"]},
        "csghub": {"model_id": "e/f", "quantizations": ["Int4"]},
    }
    found = made(model_specs=[{"model_format": "gptq", "model_size_in_billions": "1_8", "model_src": src}])
    [weights] = found.family.specs
    assert (weights.size, weights.quantizations, weights.engines) == (1.8, ("Int4", "Int8"), ())
    assert weights.modelscope == Place("c/d-{quantization}", quantizations=("Int8",))
    assert found.left_out == ("model_specs[0].model_src.csghub",)
    taken = plan(Named(found.family, found.family.specs), Asked(quantization="int8", hub="modelscope"), Machine())
    assert taken.source == "modelscope:c/d-Int8"


def test_a_path_goes_before_a_hub_and_is_had_whatever_hub_is_asked_for() -> None:
    spec = GGUF | {"quantizations": ["Q4_0"], "model_uri": "file:///m", "model_id": "a/b"}
    family = made(model_specs=[spec]).family
    taken = plan(Named(family, family.specs), Asked(hub="modelscope"), Machine())
    assert (taken.source, taken.file, taken.engine) == ("file:///m/m.Q4_0.gguf", "", "llama_cpp")


def test_parts_of_a_file_and_a_projector_are_understood() -> None:
    spec = GGUF | {"quantizations": ["q4"], "model_id": "a/b", "multimodal_projectors": ["mm-BF16.gguf", "mm-F16.gguf"]}
    parts = {"quantization_parts": {"q4": ["00001-of-00002", "00002-of-00002"]}}
    family = made(model_specs=[spec | parts | {"model_file_name_split_template": "{quantization}-{part}.gguf"}]).family
    taken = plan(Named(family, family.specs), Asked(), Machine())
    assert (taken.file, taken.options["mmproj"]) == ("q4-00001-of-00002.gguf", "mm-F16.gguf")


def test_a_model_of_pictures_describes_its_weights_itself() -> None:
    found = made(
        "image",
        model_family="stable_diffusion",
        model_src={
            "huggingface": {"model_id": "a/b", "gguf_model_id": "a/g", "gguf_quantizations": ["Q4_0", "Q8_0"]},
        },
        default_generate_config={"num_inference_steps": 2, "guidance_scale": 0.0},
        default_model_config={"torch_dtype": "bfloat16"},
        controlnet=[],
    )
    whole, network = found.family.specs
    assert (whole.format, whole.hf, found.left_out) == ("diffusers", Place("a/b"), ("default_model_config",))
    assert (network.format, network.of, network.quantizations) == ("ggufv2", "a/b", ("Q4_0", "Q8_0"))
    assert found.family.options == {"diffusers": {"default_steps": 2, "default_guidance": 0.0}}
    assert found.family.abilities == ("text2image",)


def test_models_of_sound_and_of_vectors() -> None:
    heard = made("audio", model_ability="audio2text", language="en", multilingual=False, model_uri="file:///m").family
    assert (heard.specs, heard.abilities, heard.languages) == (
        *((Weights("any", uri="file:///m"),), ("audio2text",), ("en",)),
    )
    ranked = made("rerank", type="normal", max_tokens=512, model_specs=[{"model_format": "pytorch", "model_id": "a/b"}])
    assert (ranked.family.context, ranked.family.options) == (512, {"sentence_transformers": {"max_length": 512}})


def test_what_its_family_needs_it_needs_as_well() -> None:
    kin = named("qwen3").family
    assert kin.options["vllm"]
    family = made(kin=kin, chat_template="x", stop=["a"], model_specs=[GGUF | {"model_id": "a/b"}]).family
    assert family.options["vllm"] == kin.options["vllm"] | {"chat_template": "x", "stop": ["a"]}
    assert family.options["llama_cpp"] == family.options["transformers"] == {"chat_template": "x", "stop": ["a"]}


def test_what_a_file_decides_is_told() -> None:
    gguf, whole = GGUF | {"model_id": "a/b"}, {"model_format": "pytorch", "model_id": "a/c"}
    found = made(stop_token_ids=[2], model_specs=[gguf, whole])
    assert found.left_out == ("stop_token_ids",)
    assert found.family.options == {"transformers": {"stop_token_ids": [2]}, "vllm": {"stop_token_ids": [2]}}
    assert made(stop_token_ids=[2], model_specs=[whole]).left_out == ()
    assert made(stop=["x"], model_specs=[gguf]).left_out == ()


def test_a_size_may_be_small() -> None:
    tiny = GGUF | {"model_id": "a/b", "model_size_in_billions": 0.00164}
    assert made(model_specs=[tiny]).family.specs[0].size == 0.00164


def test_what_no_engine_reads_is_left_out_beside_what_one_reads() -> None:
    mlx = {"model_format": "mlx", "model_id": "a/m"}
    found = made(model_specs=[mlx, {"model_format": "pytorch", "model_id": "a/b", "quantizations": ["4-bit", "none"]}])
    assert [(one.format, one.quantizations) for one in found.family.specs] == [("pytorch", ("none",))]
    assert found.left_out == ("model_specs[0].model_format", "model_specs[1].quantizations")
    with pytest.raises(UnsupportedParameter, match="no engine here reads the format 'mlx'"):
        made(model_specs=[mlx])


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"model_specs": [GGUF | {"quantizations": ["Q4_0", "q4_0"], "model_id": "a/b"}]}, "quantizations", "twice"),
        ({"model_specs": [GGUF | {"quantization": "Q4_0", "model_id": "a/b"}] * 2}, "model_specs", "is there twice"),
        ({"model_specs": [GGUF]}, "model_uri", "say where the weights are"),
        ({"model_specs": [GGUF | {"model_id": "a/b", "model_size_in_billions": "big"}]}, "billions", "is no size"),
        ({"model_specs": [GGUF | {"model_id": "a/b", "model_size_in_billions": 0}]}, "billions", "is no size"),
        ({"model_specs": [GGUF | {"model_id": "a/b", "model_hub": "csghub"}]}, "model_hub", "not from 'csghub'"),
        ({"model_specs": [GGUF | {"model_src": {"huggingface": {}}}]}, "huggingface.model_id", "needs its model_id"),
        (
            {"model_specs": [GGUF | {"model_uri": "/m.gguf", "quantizations": ["a", "b"]}]},
            *("model_uri", "is one place, and cannot be a and b"),
        ),
        (
            {"model_specs": [GGUF | {"model_id": "a/b", "model_file_name_template": "{quantization.x}.gguf"}]},
            *("model_specs", "braces around other words"),
        ),
        ({"model_specs": [{"model_format": "pytorch", "model_id": "nonsense"}]}, "model_specs", "names no weights"),
        (
            {"model_specs": [{"model_format": "pytorch", "model_id": "a/b", "quantization": "8-bit"}]},
            *("quantization", "not quantised while they are loaded"),
        ),
        ({"model_id": "a/b", "controlnet": [{"model_name": "x"}]}, "controlnet", "named at the launch"),
    ],
)
def test_what_cannot_be_launched_is_refused_by_its_field(fields: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        made(**fields)
    assert (caught.value.param or "").endswith(param)


@pytest.mark.parametrize(
    "name", ["a/b", "..", "a..b", "a b", "a\nb", "a\x7f", ".a", "-a", "a%2f", "a?", "a{", "a\u202eb"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(HeadraceError, match="cannot be a model's name"):
        made(model_name=name, model_id="a/b")


@pytest.mark.parametrize("name", ["qwen3", "Qwen 3", "qwen2.5:7b", "Qwen/Qwen2.5-7B-Instruct", "smollm2"])
def test_a_name_that_the_catalogue_has_is_taken(name: str) -> None:
    with pytest.raises(Conflict, match="the catalogue has the name"):
        refuse_taken(name, "model_name")
    refuse_taken("wholly-unlike-anything", "model_name")


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"name": "x", "specs": []}, "specs", "it has no weights"),
        ({"name": "x", "specs": [{"format": "ggufv2", "engines": ["nope"], "uri": "/a"}]}, "specs", "no engine 'nope'"),
        ({"name": "x", "specs": [{"format": "ggufv2", "engines": ["diffusers"], "uri": "/a"}]}, "specs", "serves no"),
        ({"name": "x", "specs": [{"format": "ggufv2"}]}, "specs", "is not said"),
        ({"name": "x", "type": "image", "specs": [{"format": "a", "uri": "/a"}]}, "type", "the path says LLM"),
        ({"name": "x", "specs": [{"format": 1}]}, "specs[0].format", "Expected `str`"),
    ],
)
def test_our_own_form_is_checked_as_the_catalogue_is(given: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        in_own_form(given, "LLM")
    assert caught.value.param == param


def test_true_is_no_size() -> None:
    assert GivenModel.model_validate({"model_name": "m", "model_size_in_billions": 1.5}).model_size_in_billions == 1.5
    with pytest.raises(ValidationError):
        GivenModel.model_validate({"model_name": "m", "model_size_in_billions": True})


@pytest.mark.parametrize("field", [{"stop": [""]}, {"stop_token_ids": [-1]}])
def test_what_ends_a_text_is_something(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GivenModel.model_validate({"model_name": "m"} | field)
