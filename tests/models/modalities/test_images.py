"""Requests for images, as clients of OpenAI, Xinference and AUTOMATIC1111 write them, and what is answered."""

import base64
import json
from typing import Any

import openai.types as spoken
import pytest
from pydantic import ValidationError

from models.errors import InvalidRequest
from models.modalities import modality, samplers
from models.modalities.images import Piece, Request, Stream, render
from models.modalities.media import Streamer

BODY = {"created": 7, "size": "64x64", "images": [{"artifact": "0.png", "seed": 3}, {"artifact": "1.png", "seed": 4}]}


def read(**fields: Any) -> Request:
    return Request.model_validate({"model": "m", "prompt": "a cat"} | fields)


def test_it_is_a_modality() -> None:
    found = modality("images")

    assert found.request is Request
    assert found.reply is None


def test_what_openai_s_client_sends_is_read() -> None:
    request = read(
        n=2,
        size="1024x512",
        quality="auto",
        style="vivid",
        response_format="b64_json",
        output_format="webp",
        output_compression=80,
        moderation="low",
        input_fidelity="low",
        background="opaque",
        user="ada",
        safety_identifier="x",
    )

    assert request.dimensions == (1024, 512)
    assert request.asked() == {
        *("model", "prompt", "n", "size", "response_format", "output_format", "output_compression", "user"),
        *("safety_identifier", "quality", "style", "input_fidelity"),
    }
    assert request.asked() - Request.PLATFORM == {"n", "size", "output_format", "output_compression"}
    assert request.unenforced == ()


@pytest.mark.parametrize(
    ("fields", "effort", "ignored"),
    [
        ({}, 1, ()),
        ({"quality": "", "style": "", "input_fidelity": ""}, 1, ()),
        *[({"quality": name}, 1, ()) for name in ("auto", "standard", "medium", "Standard")],
        *[({"quality": name}, 1.5, ()) for name in ("hd", "high", "HD")],
        ({"quality": "low"}, 0.5, ()),
        ({"quality": "hd", "steps": 20}, 1.5, ("quality",)),
        ({"quality": "standard", "steps": 20}, 1, ()),
        ({"quality": "ultra"}, 1, ("quality",)),
        ({"style": "natural", "input_fidelity": "high"}, 1, ("style", "input_fidelity")),
    ],
)
def test_quality_is_a_number_of_steps_and_other_hints_are_named(
    fields: dict[str, Any], effort: float, ignored: tuple[str, ...]
) -> None:
    request = read(**fields)
    assert (request.effort, request.unenforced) == (effort, ignored)


@pytest.mark.parametrize("size", ["auto", "", None])
def test_no_size_is_the_model_s(size: str | None) -> None:
    assert read(size=size).dimensions is None


def test_nulls_ask_for_nothing() -> None:
    fields = [name for name in Request.model_fields if name not in ("model", "prompt")]

    assert read(**dict.fromkeys([*fields, "kwargs"])).asked() == {"model", "prompt"}


def test_xinference_s_kwargs_are_read() -> None:
    said = {
        "negative_prompt": "dog",
        "guidance_scale": 2.5,
        "num_inference_steps": 4,
        "seed": 9,
        "sampler_name": "Euler a",
        "request_id": "r-1",
    }
    request = read(size="512*768", kwargs=json.dumps(said), seed=None)

    assert request.dimensions == (512, 768)
    assert (request.negative_prompt, request.guidance_scale, request.steps) == ("dog", 2.5, 4)
    assert (request.seed, request.scheduler) == (9, "Euler a")
    assert read(kwargs=said) == read(kwargs=json.dumps(said))
    assert read(kwargs="", seed=1) == read(seed=1)
    assert read(seed=1, steps=2, kwargs='{"seed": 2, "num_inference_steps": 3}') == read(seed=1, steps=2)


def test_a_form_says_numbers_as_strings() -> None:
    form = {"n": "2", "seed": "-1", "steps": "20", "guidance_scale": "7", "strength": "0.5", "stream": "false"}

    assert read(**form) == read(n=2, seed=-1, steps=20, guidance_scale=7.0, strength=0.5, stream=False)
    assert read(seed="-1").seed is None
    assert read(background="true").background is True
    assert read(lora='[{"name": "inky", "scale": "0.5"}]') == read(lora=[{"name": "inky", "scale": 0.5}])
    assert read(lora="inky") == read(loras=["inky"])


@pytest.mark.parametrize("name", ["default", "Default", ""])
def test_the_default_sampler_is_the_model_s(name: str) -> None:
    assert read(sampler_name=name).scheduler is None


@pytest.mark.parametrize("name", ["dpm++ 2m karras", "DPM++_2M_Karras", "k_dpmpp_2m_ka"])
def test_a_sampler_has_many_names(name: str) -> None:
    assert read(scheduler=name).scheduler == "DPM++ 2M Karras"


def test_samplers_are_listed_as_the_web_ui_does() -> None:
    listed = {one.name: one.to_json() for one in samplers.SAMPLERS}

    assert len(listed) == len(samplers.SAMPLERS)
    assert listed["Euler a"]["aliases"][0] == "k_euler_a"
    assert {"Euler", "DDIM", "UniPC", "Heun", "DPM2", "DPM++ 2M", "PLMS"} <= listed.keys()
    assert all(samplers.find(name) is one for one in samplers.SAMPLERS for name in (one.name, *one.aliases))
    assert samplers.name_of("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}) == "DPM++ 2M Karras"
    assert samplers.name_of("FlowMatchEulerDiscreteScheduler", {}) == "FlowMatchEulerDiscreteScheduler"


@pytest.mark.parametrize(
    ("fields", "param", "kind"),
    [
        ({"size": "7x7"}, "size", "invalid_value"),
        ({"size": "100x100"}, "size", "invalid_value"),
        ({"size": "8192x64"}, "size", "invalid_value"),
        ({"size": "-64x64"}, "size", "invalid_value"),
        ({"size": "64"}, "size", "invalid_value"),
        ({"size": 64}, "size", "string_type"),
        ({"size": "4096x4096", "n": 2}, None, "invalid_value"),
        ({"n": 0}, "n", "greater_than_equal"),
        ({"n": 1000}, "n", "less_than_equal"),
        ({"n": 1.5}, "n", "int_type"),
        ({"n": True}, "n", "int_type"),
        ({"n": "two"}, "n", "int_type"),
        ({"steps": 0}, "steps", "greater_than_equal"),
        ({"steps": 100_000}, "steps", "less_than_equal"),
        ({"guidance_scale": float("nan")}, "guidance_scale", "invalid_value"),
        ({"guidance_scale": float("inf")}, "guidance_scale", "invalid_value"),
        ({"guidance_scale": "1e999"}, "guidance_scale", "finite_number"),
        ({"guidance_scale": -1}, "guidance_scale", "greater_than_equal"),
        ({"strength": 0}, "strength", "greater_than"),
        ({"strength": 1.01}, "strength", "less_than_equal"),
        ({"seed": -2}, "seed", "greater_than_equal"),
        ({"seed": 1 << 63}, "seed", "invalid_value"),
        ({"seed": "9" * 30}, "seed", "int_type"),
        ({"scheduler": "Magic"}, "scheduler", "invalid_value"),
        ({"prompt": "\ud800"}, "prompt", "invalid_value"),
        ({"prompt": "x" * 40_000}, "prompt", "string_too_long"),
        ({"lora": [{"name": "a", "scale": float("nan")}]}, "lora", "invalid_value"),
        ({"lora": "[" * 100_000}, "lora", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "literal_error"),
        ({"response_format": "path"}, "response_format", "literal_error"),
        ({"partial_images": 2}, None, "invalid_value"),
        ({"partial_images": 2, "stream": True, "n": 2}, None, "invalid_value"),
        ({"moderation": "high"}, "moderation", "unsupported_parameter"),
        ({"background": "transparent"}, "background", "unsupported_parameter"),
        ({"kwargs": '{"steps": 0}'}, "steps", "greater_than_equal"),
        ({"kwargs": '{"guidance_scale": NaN}'}, "guidance_scale", "invalid_value"),
        ({"kwargs": '{"\\ud800": 1}'}, None, "invalid_value"),
        ({"kwargs": "{"}, None, "invalid_value"),
        ({"kwargs": "[1]"}, None, "invalid_value"),
        ({"kwargs": "[" * 100_000}, None, "invalid_value"),
        ({"kwargs": 5}, None, "invalid_value"),
        ({"steps": 5, "num_inference_steps": 5}, None, "invalid_value"),
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any], param: str | None, kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**fields)

    problem = caught.value.errors()[-1]
    assert problem["type"] == kind
    assert (problem["loc"] or (None,))[0] == param


def test_an_unknown_sampler_is_told_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"there are Euler, .*DPM\+\+ 2M Karras, .*DDIM"):
        read(scheduler="Magic")


@pytest.mark.parametrize(
    ("fields", "names", "param"),
    [
        ({"prompt": None}, [], "prompt"),
        ({"prompt": ""}, [], "prompt"),
        ({}, ["mask"], "mask"),
        ({"strength": 0.5}, [], "strength"),
    ],
)
def test_a_body_must_fit_its_files(fields: dict[str, Any], names: list[str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**fields).check_files(names)

    assert caught.value.param == param


def test_a_variation_needs_no_prompt() -> None:
    read(prompt=None).check_files(["image"])
    read(strength=0.5).check_files({"image": 1, "mask": 2})


def test_an_answer_has_both_forms_or_the_one_that_is_asked_for() -> None:
    def answered(form: str | None) -> Any:
        answer = render(read(response_format=form), BODY, "https://x/{}".format, str.encode)
        assert answer.media_type == "application/json"
        parsed = spoken.ImagesResponse.model_validate_json(answer.content)
        assert parsed.data is not None
        return json.loads(answer.content) | {"data": [one.to_dict() for one in parsed.data]}

    urls = [{"url": f"https://x/{name}"} for name in ("0.png", "1.png")]
    contents = [{"b64_json": base64.b64encode(name).decode()} for name in (b"0.png", b"1.png")]
    seeds = [{"seed": 3}, {"seed": 4}]
    both = [one | other | seed for one, other, seed in zip(urls, contents, seeds, strict=True)]
    assert answered(None) == {"created": 7, "data": both, "size": "64x64", "output_format": "png"}
    assert answered("url")["data"] == [one | seed for one, seed in zip(urls, seeds, strict=True)]
    assert answered("b64_json")["data"] == [one | seed for one, seed in zip(contents, seeds, strict=True)]


@pytest.mark.parametrize("edit", [False, True])
def test_a_stream_is_openai_s(edit: bool) -> None:
    stream: Streamer = Stream(read(stream=True, partial_images=1))
    partial = _event(stream.piece(Piece(b"half", "64x64", edit, index=0).encode()))
    whole = _event(stream.piece(Piece(b"whole", "64x64", edit, seed=5).encode()))

    assert stream.media_type == "text/event-stream"
    assert stream.end(BODY) == b""
    if edit:
        first: Any = spoken.ImageEditPartialImageEvent.model_validate(partial, strict=True)
        last: Any = spoken.ImageEditCompletedEvent.model_validate(whole, strict=True)
    else:
        first = spoken.ImageGenPartialImageEvent.model_validate(partial, strict=True)
        last = spoken.ImageGenCompletedEvent.model_validate(whole, strict=True)
    assert (base64.b64decode(first.b64_json), first.partial_image_index) == (b"half", 0)
    assert base64.b64decode(last.b64_json) == b"whole"
    assert whole["seed"] == 5


def test_a_stream_and_a_result_tell_what_headers_tell() -> None:
    piece = Piece(b"whole", "64x64", False, seed=5, warning="it was cut", ignored=("negative_prompt",))
    event = _event(Stream(read(stream=True)).piece(piece.encode()))
    answer = render(read(), BODY | {"warning": "it was cut", "ignored": ["negative_prompt"]}, str, str.encode)

    for told in (event, json.loads(answer.content)):
        assert (told["warning"], told["ignored"]) == ("it was cut", ["negative_prompt"])
    assert (answer.warning, answer.ignored) == ("it was cut", ("negative_prompt",))
    plain = _event(Stream(read(stream=True)).piece(Piece(b"whole", "64x64", False, seed=5).encode()))
    assert not {"warning", "ignored"} & plain.keys()


def _event(frame: bytes) -> dict[str, Any]:
    name, data = frame.removesuffix(b"\n\n").split(b"\n")
    event: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
    assert name == b"event: " + event["type"].encode()
    return event
