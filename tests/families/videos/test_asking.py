"""What may be asked of models that make videos, what they say of themselves, and how their work is stopped."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from models.errors import InvalidRequest
from models.launching.defaults.films import defaults_of
from models.launching.defaults.pictures import Checkpoint
from models.modalities.videos import Request
from tests.engines.audio_driver import Job
from tests.families.makers.pictures.parts import saved
from tests.families.makers.videos import others, wans
from tests.families.pictures.drawing import bare, noise
from tests.families.videos.driver import SIZE, apart, launched, made
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.diffusers.load import load_model
from workers.engines.diffusers.video.draw import draw, warm
from workers.engines.diffusers.video.model import VideoModel
from workers.engines.diffusers.video.plan import VideoRequest, plan
from workers.engines.diffusers.watch import BatchStopped

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore"),  # diffusers and transformers deprecate parts of each other
]


@pytest.fixture(scope="module")
def ltx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(others.ltx(), tmp_path_factory.mktemp("ltx") / "LTX-Video")


@pytest.fixture(scope="module")
def cogvideox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(others.cogvideox_image(), tmp_path_factory.mktemp("cog") / "CogVideoX-5b-I2V")


def loaded(folder: Path, **options: Any) -> VideoModel:
    site = EngineSite(str(folder), "cpu", {"n_threads": 1, "modality": "videos"} | options)
    model = load_model(site, lambda *_: None)
    assert isinstance(model, VideoModel)
    return model


async def test_the_model_tells_its_defaults_and_draws_with_them(ltx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"default_size": "64x96", "default_frames": 17, "default_fps": 10.0, "default_steps": 3}
    async with launched(ltx, monkeypatch, **options) as engine:
        told = engine.engine.told
        answer = await engine.ask(steps=None)
    assert told["abilities"] == ["text2video", "image2video"]
    assert told["defaults"] == {
        "steps": 3,
        "guidance_scale": 3.0,
        "size": "64x96",
        "num_frames": 17,
        "fps": 10,
        "seconds": 1.7,
        "lengths": "8k+1",
        "scheduler": "FlowMatchEulerDiscreteScheduler",
        "distilled": False,
    }
    assert engine.engine.modalities() == ["videos"]
    made = {name: answer.body[name] for name in ("size", "frames", "fps", "seconds", "steps")}
    assert made == {"size": "64x96", "frames": 17, "fps": 10, "seconds": 1.7, "steps": 3}


async def test_seconds_speed_and_shape_are_heeded(ltx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = tmp_path / "wide.png"
    Image.new("RGB", (300, 150), "red").save(wide)
    async with launched(ltx, monkeypatch, default_size="64x64") as engine:
        body = (await engine.ask(seconds=1, fps=10, size=SIZE)).body
        assert (body["frames"], body["fps"], body["seconds"]) == (9, 10, 0.9)
        body = (await engine.ask({"image": wide}, num_frames=9)).body
        assert body["size"] == "96x64", "about the picture's shape, in multiples of 32"
        await engine.ask(num_frames=9, size=SIZE, fps=25)
        await engine.ask(num_frames=9, size=SIZE, fps=50)
    assert apart(engine.frames[2], engine.frames[3]) > 0, "this network knows how fast its frames follow each other"


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"num_frames": 10}, "num_frames", "makes 8k\\+1 frames: say 9 or 17"),
        ({"size": "72x64"}, "size", "multiples of 32: 64x64 is near"),
        ({"size": "720x1280"}, "size", "multiples of 32: 704x1280 is near"),
        ({"num_frames": 81}, "num_frames", "it may have 33 frames of that size here"),
        ({"size": "1024x1024", "num_frames": 1}, "size", "ask for a smaller size"),
        ({"lora": "grain", "num_frames": 9}, "lora", "no LoRA 'grain'"),
    ],
)
async def test_what_a_model_cannot_make_is_refused_by_name(
    fields: dict[str, Any], param: str, said: str, ltx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with launched(ltx, monkeypatch, max_pixels=64 * 64 * 40) as engine:
        error = await engine.refused(**{"size": SIZE} | fields)

    assert isinstance(error, InvalidRequest)
    assert error.param == param
    with pytest.raises(InvalidRequest, match=said):
        raise error


async def test_a_prompt_that_is_cut_is_told(ltx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with launched(ltx, monkeypatch) as engine:
        asked: dict[str, Any] = {"size": SIZE, "num_frames": 9}
        whole = await engine.ask(**asked)
        cut = await engine.ask(prompt="a red cat " * 400, **asked)

    assert "warning" not in whole.body
    assert cut.body["warning"] == cut.warnings[0][0]
    assert cut.body["warning"].startswith("'prompt' was cut after ")


async def test_a_narrow_picture_gives_no_shape(ltx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = tmp_path / "narrow.png"
    Image.new("RGB", (1, 300)).save(narrow)
    async with launched(ltx, monkeypatch) as engine:
        error = await engine.refused({"image": narrow}, num_frames=9)

    assert (error.param, "too narrow" in error.message) == ("size", True)


async def test_pictures_that_a_model_does_not_take_are_refused(
    ltx: Path, cogvideox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = noise(tmp_path / "first.png")
    async with launched(ltx, monkeypatch) as engine:
        error = await engine.refused({"image": picture, "last_image": picture})
        assert (error.param, error.message) == ("last_image", "this model takes no 'last_image'")
    async with launched(cogvideox, monkeypatch) as engine:
        assert (await engine.refused()).param == "image"
        other = await engine.refused({"image": picture}, size="96x64")
        assert (other.param, other.message) == ("size", "this model makes videos of 64x64 alone")
        assert (await engine.refused({"image": picture}, num_frames=17)).param == "num_frames"


async def test_what_has_no_effect_is_named(ltx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with launched(ltx, monkeypatch) as engine:
        asked: dict[str, Any] = {"size": SIZE, "num_frames": 9, "negative_prompt": "blue"}
        assert "ignored" not in (await engine.ask(**asked)).body
        assert (await engine.ask(guidance_scale=1.0, **asked)).body["ignored"] == ["negative_prompt"]


async def test_one_video_is_begun_at_a_time(ltx: Path) -> None:
    """A job that waits in the runner has begun an attempt: the end of the process would cost it one."""
    assert loaded(ltx).capacity.max_inflight == 1


async def test_a_cancelled_video_stops_within_a_step(ltx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with launched(ltx, monkeypatch) as engine:
        long = engine.submit(size="128x128", num_frames=33, steps=200)
        waiting = engine.submit(size="128x128", num_frames=33, steps=200)
        while not long.steps:
            long.said.clear()
            await long.said.wait()
        for job in (long, waiting):
            engine.engine.abort(job.rid)
            job.aborted = True
        await asyncio.sleep(0)  # steps that were over before are told of now
        before = engine.engine.counters()["steps"]
        await engine.ask(size=SIZE, num_frames=9, steps=1)
        counters = engine.engine.counters()
    assert (counters["videos"], counters["aborts"]) == (1, 2)
    assert counters["steps"] <= before + 2, "the one that was being computed, and the other video's"


def test_a_video_is_not_decoded_where_nobody_waits(ltx: Path) -> None:
    model = loaded(ltx)
    request = VideoRequest(Job({}), Request(model="x", prompt="a cat", size=SIZE, num_frames=9, steps=1), 3)
    plan(request, model)
    decoded = []
    model.base.vae.decoder.register_forward_pre_hook(lambda *_: setattr(request, "over", True))
    model.base.vae.decoder.register_forward_hook(lambda *_: decoded.append(True))

    with pytest.raises(BatchStopped):
        draw(model, request, lambda *_: None)
    assert not decoded


def test_a_warm_up_makes_few_small_frames(ltx: Path, cogvideox: Path) -> None:
    for folder in (ltx, cogvideox):
        model = loaded(folder)
        shapes: list[Any] = []
        model.base.vae.decoder.register_forward_hook(lambda _, __, made, to=shapes: to.append(made))
        warm(model)
        made = shapes[0][0] if isinstance(shapes[0], tuple) else shapes[0]
        assert made.shape[-3:] == (9, 64, 64)


def lora(path: Path, place: str, width: int) -> Path:
    """A LoRA of random numbers for one layer."""
    random = torch.Generator().manual_seed(4)
    shapes = {"A": (4, width), "B": (width, 4)}
    tensors = {f"{place}.lora_{part}.weight": torch.randn(*shape, generator=random) for part, shape in shapes.items()}
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path)
    return path


async def test_a_lora_changes_the_video_and_nothing_where_it_is_not_asked_for(
    ltx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lora(tmp_path / "grain.safetensors", "transformer.transformer_blocks.0.attn1.to_q", 32)
    async with launched(ltx, monkeypatch) as engine:
        await engine.ask(size=SIZE, num_frames=9)
    plain = engine.frames[0]
    async with launched(ltx, monkeypatch, loras={"grain": str(file)}) as engine:
        await engine.ask(size=SIZE, num_frames=9)
        await engine.ask(size=SIZE, num_frames=9, lora=[{"name": "grain", "scale": 2}])
        await engine.ask(size=SIZE, num_frames=9)

    assert apart(engine.frames[0], plain) == 0
    assert apart(engine.frames[1], plain) > 0
    assert apart(engine.frames[2], plain) == 0


async def test_a_lora_of_two_files_is_for_both_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, place = saved(wans.text_of_two(), tmp_path / "wan22"), "transformer.blocks.0.attn1.to_q"
    high = lora(tmp_path / "both" / "high_noise_model.safetensors", place, 24)
    low = lora(tmp_path / "both" / "a_low_noise_model.safetensors", place, 24)
    async with launched(folder, monkeypatch, loras={"one": str(high), "both": str(low.parent)}) as engine:
        for name in ("one", "both"):
            await engine.ask(size=SIZE, num_frames=5, guidance_scale=4.0, lora=name)
    pipe = bare(folder)
    pipe.load_lora_weights(load_file(high), adapter_name="x")
    one = made(pipe, num_frames=5, guidance_scale=4.0)
    pipe.load_lora_weights(load_file(low), adapter_name="x", load_into_transformer_2=True)
    both = made(pipe, num_frames=5, guidance_scale=4.0)

    assert apart(one, both) > 0
    assert (apart(engine.frames[0], one), apart(engine.frames[1], both)) == (0, 0)
    low.rename(low.with_name("other.safetensors"))
    with pytest.raises(InvalidRequest, match="must be for 'low' noise, by its name"):
        loaded(folder, loras={"both": str(low.parent)})


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("LTX2Pipeline", "its videos have sound, which is not served yet"),
        ("AnimateDiffPipeline", "it animates a model of pictures by a motion adapter"),
        ("WanVideoToVideoPipeline", "videos are served of Wan"),
        ("LucyEditPipeline", "it changes a video"),
        ("WanVACEPipeline", "it changes a video"),
        ("NoSuchPipeline", "videos are served of Wan"),
    ],
)
def test_what_is_not_served_is_refused_before_its_weights_are_read(pipeline: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    with pytest.raises(InvalidRequest, match=f"a {pipeline} is not served: {said}") as caught:
        loaded(tmp_path)
    assert caught.value.param == "model_path"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"scheduler": "Euler a"}, "scheduler"),
        ({"controlnet": "/x"}, "controlnet"),
        ({"default_frames": 10}, "default_frames"),
        ({"default_size": "72x64"}, "default_size"),
        ({"cpu_offload": True}, "cpu_offload"),
    ],
)
def test_options_that_videos_do_not_have_are_refused(options: dict[str, Any], param: str, ltx: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        loaded(ltx, **options)
    assert caught.value.param == param


async def test_the_shift_of_a_launch_is_the_samplers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(wans.text(), tmp_path / "wan")
    async with launched(folder, monkeypatch, flow_shift=9.0) as engine:
        await engine.ask(size=SIZE, num_frames=5)
    pipe = bare(folder)
    usual = made(pipe, num_frames=5)
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, flow_shift=9.0)

    assert apart(engine.frames[0], made(pipe, num_frames=5)) == 0
    assert apart(engine.frames[0], usual) > 0


async def test_wan_is_decoded_in_full_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with launched(saved(wans.text(), tmp_path / "wan"), monkeypatch, dtype="bfloat16") as engine:
        model: VideoModel = engine.engine._model  # type: ignore[attr-defined]
        assert (model.base.transformer.dtype, model.base.vae.dtype) == (torch.bfloat16, torch.float32)
        await engine.ask(size=SIZE, num_frames=5)


def test_a_sampler_without_a_shift_refuses_one(cogvideox: Path) -> None:
    with pytest.raises(InvalidRequest, match="has no shift") as caught:
        loaded(cogvideox, flow_shift=3.0)
    assert caught.value.param == "flow_shift"


async def test_a_video_that_does_not_fit_says_what_would(ltx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = [True]

    def compute(*_: Any) -> None:
        if full:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    async with launched(ltx, monkeypatch) as engine:
        model: VideoModel = engine.engine._model  # type: ignore[attr-defined]
        model.base.transformer.register_forward_pre_hook(compute)
        error = await engine.refused(size=SIZE, num_frames=9)
        assert error.message.startswith("a video of 9 frames of 64x64 does not fit into the device's memory")
        full.clear()
        await engine.ask(size=SIZE, num_frames=9)
        assert engine.engine.alive()


def test_a_pipeline_of_the_other_type_names_it(ltx: Path, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(InvalidRequest, match="launch it with model_type 'image'"):
        loaded(tmp_path)
    with pytest.raises(InvalidRequest, match="launch it with model_type 'video'"):
        engine_class("diffusers").load(EngineSite(str(ltx), "cpu", {}), lambda *_: None)


def test_without_a_package_that_a_pipeline_calls_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engines.diffusers.video.families.is_ftfy_available", lambda: False)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "WanImageToVideoPipeline"}))
    with pytest.raises(InvalidRequest, match="needs the Python package ftfy"):
        loaded(tmp_path)
    with pytest.raises(InvalidRequest, match="needs the Python package ftfy"):
        loaded(saved(wans.small(), tmp_path / "small"))


WAN, WAN_IMAGE = "WanPipeline", "WanImageToVideoPipeline"


@pytest.mark.parametrize(
    ("checkpoint", "steps", "guidance", "low", "size", "frames", "fps"),
    [
        (Checkpoint(WAN, "Wan2.1-T2V-1.3B-Diffusers"), None, None, None, None, None, None),
        (Checkpoint(WAN, "Wan2.2-T2V-A14B", {"boundary_ratio": 0.875}), 40, 4.0, 3.0, (1280, 720), None, None),
        (Checkpoint(WAN_IMAGE, "Wan2.2-I2V-A14B", {"boundary_ratio": 0.9}), 40, 3.5, 3.5, None, None, None),
        (Checkpoint(WAN, "mine", {"expand_timesteps": True}), 50, 5.0, None, (1280, 704), 121, 24),
        (Checkpoint(WAN_IMAGE, "Wan2.1-I2V-14B-720P-Diffusers"), None, None, None, (1280, 720), None, None),
        (Checkpoint(WAN_IMAGE, "Wan2.1-FLF2V-14B-720P-diffusers"), None, 5.5, None, (1280, 720), None, None),
        (Checkpoint(WAN, "FastWan2.1-T2V-1.3B"), 4, 1.0, 1.0, None, None, None),
        (Checkpoint(WAN, "Wan2.2-Lightning-8steps", {"boundary_ratio": 0.875}), 8, 1.0, 1.0, (1280, 720), None, None),
        (Checkpoint("LTXConditionPipeline", "LTX-Video-0.9.8-13B-distilled"), 8, 1.0, None, None, None, None),
        (Checkpoint("LTXPipeline", "LTX-Video"), None, None, None, None, None, None),
        (Checkpoint("CogVideoXPipeline", "CogVideoX-5b"), None, None, None, None, None, None),
        (Checkpoint("CogVideoXPipeline", "CogVideoX1.5-5B"), None, None, None, None, None, 16),
        (Checkpoint("HunyuanVideoPipeline", "FastHunyuan-diffusers"), 6, None, None, None, None, None),
        (Checkpoint("MochiPipeline", "mochi-1-preview"), None, None, None, None, 85, None),
    ],
)
def test_a_checkpoint_has_its_own_defaults(
    checkpoint: Checkpoint,
    steps: int | None,
    guidance: float | None,
    low: float | None,
    size: tuple[int, int] | None,
    frames: int | None,
    fps: float | None,
) -> None:
    found = defaults_of(checkpoint)

    assert (found.steps, found.guidance, found.size, found.frames, found.fps) == (steps, guidance, size, frames, fps)
    assert found.low_guidance in (low, found.guidance)
