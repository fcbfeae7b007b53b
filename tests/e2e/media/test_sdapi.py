"""AUTOMATIC1111's API, as its clients use it."""

import base64
import json
import threading
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from api.routes import sdapi_wire
from models.errors import InvalidRequest, UnsupportedParameter
from tests.e2e.media.studio import Studio, data_url, file_of, opened, picture, seen
from tests.glyphs import glyphworld as world
from tests.support.servers import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.weights]


def based(content: bytes) -> str:
    return base64.b64encode(content).decode()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be an error in the web UI's form."""
    body = answer.json()
    assert set(body) == {"error", "detail", "body", "errors"}
    assert body["detail"]
    return answer.status_code, body["error"]


def draw(studio: Studio, path: str = "txt2img", **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = studio.http.post(f"/sdapi/v1/{path}", json=body).raise_for_status().json()
    return found


def test_text_becomes_pictures(studio: Studio) -> None:
    answer = draw(
        studio,
        prompt="a red seven",
        negative_prompt="blue",
        steps=8,
        seed=3,
        cfg_scale=2,
        width=64,
        height=64,
        sampler_name="DDIM",
        batch_size=2,
        n_iter=2,
        restore_faces=False,
        styles=[],
        some_extension_of_mine=7,
        override_settings={"samples_format": "webp", "CLIP_stop_at_last_layers": 1},
        save_images=False,
    )
    assert [seen(image) for image in answer["images"]] == ["red seven"] * 4
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [3, 4, 5, 6]
    assert (info["seed"], info["width"], info["sd_model_name"]) == (3, 64, "glyphs")
    assert answer["parameters"]["prompt"] == "a red seven"
    assert draw(studio, prompt="a red seven", steps=2, send_images=False)["images"] == []


def test_a_picture_is_drawn_anew(studio: Studio) -> None:
    answer = draw(
        studio,
        "img2img",
        prompt="a blue seven",
        init_images=[based(picture())],
        denoising_strength=0.8,
        steps=10,
        seed=1,
        resize_mode=0,
        mask_blur=4,
    )
    assert [seen(image) for image in answer["images"]] == ["blue seven"]
    assert answer["parameters"]["init_images"] is None

    original, mask = picture("square", "red"), Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 48, 64))
    files = {"init_images": [data_url(original)], "mask": based(file_of(mask))}
    drawn = np.asarray(opened(draw(studio, "img2img", prompt="a blue square", seed=1, **files)["images"][0]))
    assert (drawn[:, 48:] == np.asarray(opened(original))[:, 48:]).all()
    assert world.colour_of(drawn[:, :48]) == "blue"


def test_models_and_samplers_are_listed(studio: Studio) -> None:
    assert [one["title"] for one in studio.http.get("/sdapi/v1/sd-models").json()] == ["glyphs"]
    names = [one["name"] for one in studio.http.get("/sdapi/v1/samplers").json()]
    assert {"Euler a", "DPM++ 2M Karras", "DDIM"} <= set(names)
    assert [one["name"] for one in studio.http.get("/sdapi/v1/schedulers").json()] == ["automatic", "karras"]
    assert studio.http.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "glyphs"


def test_a_model_is_chosen_for_all_that_follows(studio: Studio) -> None:
    studio.client.launch({"model_name": "glyphs", "model_uid": "other", "load_on_request": True})
    try:
        wait_for(lambda: len(studio.http.get("/sdapi/v1/sd-models").json()) == 2, 5)
        options = studio.http.get("/sdapi/v1/options").json()
        assert options["sd_model_checkpoint"] == "glyphs"
        answer = studio.http.post("/sdapi/v1/options", json=options | {"sd_model_checkpoint": "other"})
        assert (answer.status_code, answer.json()) == (200, None)
        assert studio.http.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "other"
        for named in ({"override_settings": {"sd_model_checkpoint": "glyphs"}}, {"model": "glyphs"}):
            assert json.loads(draw(studio, prompt="a star", steps=2, **named)["info"])["sd_model_name"] == "glyphs"
        body, later = {"prompt": "a star"}, {"Prefer": "respond-async"}
        job = studio.http.post("/sdapi/v1/txt2img", json=body, headers=later).json()
        assert job["model"] == "other"
        assert studio.http.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
        answer = studio.http.post("/v1/images/generations", json=body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")
    finally:
        studio.client.terminate("other")
    wait_for(lambda: studio.http.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "glyphs", 5)
    assert refused(studio.http.post("/sdapi/v1/options", json={"sd_model_checkpoint": "other"})) == (
        404,
        "model_not_found",
    )


def test_a_drawing_is_watched_and_interrupted(studio: Studio) -> None:
    assert studio.http.get("/sdapi/v1/progress").json()["progress"] == 0
    answers: list[httpx.Response] = []

    def ask() -> None:
        body = {"prompt": "a red seven", "batch_size": 16, "steps": 250}
        answers.append(httpx.post(f"{studio.url}/sdapi/v1/txt2img", json=body, headers=studio.http.headers, timeout=60))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        shown = wait_for(lambda: _under_way(studio), 20)
        mine = studio.http.post("/v1/images/generations", json={"prompt": "a star", "background": True}).json()
        quick = studio.http.get("/sdapi/v1/progress?skip_current_image=true").json()
    finally:
        assert studio.http.post("/sdapi/v1/interrupt").json() == {}
        asking.join(20)
    assert 0 < shown["progress"] < 1
    assert shown["state"]["sampling_steps"] == 250
    assert shown["eta_relative"] > 0
    assert opened(shown["current_image"]).size == (64, 64)
    assert quick["current_image"] is None
    assert refused(answers[0]) == (409, "cancelled")
    assert studio.ended(mine["id"])["state"] == "succeeded", "it was not asked for on these paths"


def _under_way(studio: Studio) -> Any:
    shown = studio.http.get("/sdapi/v1/progress").json()
    return shown if shown["current_image"] and shown["progress"] else None


BAD: dict[str, tuple[str, Any, tuple[int, str]]] = {
    "no prompt": ("txt2img", {}, (400, "invalid_value")),
    "no object": ("txt2img", [], (400, "invalid_value")),
    "no number": ("txt2img", {"prompt": "x", "steps": "many"}, (400, "invalid_value")),
    "no multiple of 8": ("txt2img", {"prompt": "x", "width": 65, "height": 64}, (400, "invalid_value")),
    "width alone": ("txt2img", {"prompt": "x", "width": 64}, (400, "invalid_value")),
    "too many": ("txt2img", {"prompt": "x", "batch_size": 8, "n_iter": 8}, (400, "invalid_value")),
    "a sampler that is not": ("txt2img", {"prompt": "x", "sampler_name": "Oil"}, (400, "invalid_value")),
    "a bigger picture": ("txt2img", {"prompt": "x", "enable_hr": True}, (400, "unsupported_parameter")),
    "an extension": (
        "txt2img",
        {"prompt": "x", "alwayson_scripts": {"ControlNet": {}}},
        (400, "unsupported_parameter"),
    ),
    "another VAE": ("txt2img", {"prompt": "x", "override_settings": {"sd_vae": "a"}}, (400, "unsupported_parameter")),
    "a LoRA that is not": ("txt2img", {"prompt": "x <lora:oil:0.5>"}, (400, "invalid_value")),
    "another model": ("txt2img", {"prompt": "x", "model": "whisper"}, (404, "model_not_found")),
    "no picture": ("img2img", {"prompt": "x"}, (400, "invalid_value")),
    "two pictures": ("img2img", {"prompt": "x", "init_images": ["a", "b"]}, (400, "invalid_value")),
    "no base64": ("img2img", {"prompt": "x", "init_images": ["***"]}, (400, "invalid_value")),
    "no picture in it": ("img2img", {"prompt": "x", "init_images": ["AAAA"]}, (400, "invalid_value")),
    "a blur": ("img2img", {"init_images": [based(picture())], "mask_blur": 9}, (400, "unsupported_parameter")),
    "an option": ("options", {"CLIP_stop_at_last_layers": 2}, (400, "unsupported_parameter")),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_drawn_is_refused(studio: Studio, name: str) -> None:
    path, body, expected = BAD[name]
    assert refused(studio.http.post(f"/sdapi/v1/{path}", json=body)) == expected


def test_refusals_have_the_web_uis_form_from_the_edge_on(studio: Studio) -> None:
    assert refused(httpx.get(f"{studio.url}/sdapi/v1/options")) == (401, "invalid_api_key")
    assert refused(studio.http.get("/sdapi/v1/upscalers")) == (404, "not_found")
    assert refused(studio.http.get("/sdapi/v1/txt2img")) == (405, "method_not_allowed")


# ---- the translation, by itself ----------------------------------------------------------------------------


def test_fields_are_translated() -> None:
    body = sdapi_wire.Drawing(
        prompt="a <lora:ink:0.5> red <lora:oil> seven",
        cfg_scale=3,
        sampler_name="DPM++ 2M",
        scheduler="karras",
        seed=-1,
    )
    assert sdapi_wire.translated(body, edit=False) == {
        "prompt": "a  red  seven",
        "prompt_syntax": "a1111",
        "lora": [{"name": "ink", "scale": 0.5}, {"name": "oil", "scale": 1.0}],
        "seed": -1,
        "guidance_scale": 3.0,
        "scheduler": "DPM++ 2M karras",
        "n": 1,
        "output_format": "png",
        "response_format": "b64_json",
    }
    strong = sdapi_wire.Drawing(prompt="x", denoising_strength=0.5)
    assert "strength" not in sdapi_wire.translated(strong, edit=False)
    assert sdapi_wire.translated(strong, edit=True)["strength"] == 0.5


@pytest.mark.parametrize("name", sdapi_wire.INERT)
def test_what_changes_the_picture_is_refused_by_name(name: str) -> None:
    for value in (*sdapi_wire.INERT[name], None):
        sdapi_wire.translated(sdapi_wire.Drawing.model_validate({"prompt": "x", name: value}), edit=True)
    with pytest.raises(UnsupportedParameter) as refusal:
        sdapi_wire.translated(sdapi_wire.Drawing.model_validate({"prompt": "x", name: "new"}), edit=True)
    assert refusal.value.param == name


@pytest.mark.parametrize("options", [{"sd_model_checkpoint": 7}, {"samples_format": "tiff"}, {"samples_format": []}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        sdapi_wire.checkpoint(options)
