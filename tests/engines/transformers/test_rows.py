"""Rows that join and leave one batch, over models of several layouts whose weights are random.

What each row says must be what transformers' own ``generate`` says for it alone. Whether a model sees what is there is
for ``test_transformers_vision``, with weights that do.
"""

import queue
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from workers.engines.transformers import stepper
from workers.engines.transformers.router import Output, Router
from workers.engines.transformers.stepper import Bounds, Stepper

make: Any = transformers
IMAGE, AUDIO = 3, 4
_TEXT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}

Prompt = tuple[list[int], dict[str, Tensor]]
Layout = tuple[Any, Callable[[list[int]], Prompt]]
"""A model, and what makes its prompt of a text: with a picture or a recording before it."""


def llava() -> Layout:
    tower = make.CLIPVisionConfig(**_TOWER, image_size=32, patch_size=16)
    config = make.LlavaConfig(
        vision_config=tower, text_config=make.LlamaConfig(**_TEXT), image_token_index=IMAGE, image_seq_length=4
    )

    def see(text: list[int]) -> Prompt:
        return [*[IMAGE] * 4, *text], {"pixel_values": torch.randn(1, 3, 32, 32)}

    return make.LlavaForConditionalGeneration(config), see


def gemma3() -> Layout:
    """Two of three layers look eight tokens back; pictures are looked at in both directions."""
    kinds = ["sliding_attention", "sliding_attention", "full_attention"]
    text = make.Gemma3TextConfig(**_TEXT | {"num_hidden_layers": 3}, head_dim=8, sliding_window=8, layer_types=kinds)
    tower = make.SiglipVisionConfig(**_TOWER, image_size=32, patch_size=8)
    config = make.Gemma3Config(
        text_config=text, vision_config=tower, mm_tokens_per_image=4, image_token_id=IMAGE, image_token_index=IMAGE
    )

    def see(text: list[int]) -> Prompt:
        types = torch.tensor([[0, *[1] * 4, *[0] * len(text)]])
        return [5, *[IMAGE] * 4, *text], {"pixel_values": torch.randn(1, 3, 32, 32), "token_type_ids": types}

    return make.Gemma3ForConditionalGeneration(config), see


def qwen2_vl(vocabulary: int = 64, image: int = IMAGE, video: int = 8, starts: int = 6, ends: int = 7) -> Layout:
    """Positions of three kinds, and pictures of any size."""
    tower = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "patch_size": 4, "mlp_ratio": 2}
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    marks = {"image_token_id": image, "video_token_id": video}
    marks |= {"vision_start_token_id": starts, "vision_end_token_id": ends}
    text_config = _TEXT | {"rope_parameters": rope, "vocab_size": vocabulary}
    config = make.Qwen2VLConfig(text_config=text_config, vision_config=tower, **marks)

    def see(text: list[int]) -> Prompt:
        high = 2 * (2 + len(text) % 3)
        seen, types = high * 4 // 4, torch.tensor([[0, *[1] * (high * 4 // 4), *[0] * (len(text) + 1)]])
        pixels = {"pixel_values": torch.randn(high * 4, 3 * 2 * 16), "image_grid_thw": torch.tensor([[1, high, 4]])}
        return [starts, *[image] * seen, ends, *text], pixels | {"mm_token_type_ids": types}

    return make.Qwen2VLForConditionalGeneration(config), see


def idefics3() -> Layout:
    """Pictures come by the row, [rows, pictures, …]."""
    tower = {**_TOWER, "image_size": 32, "patch_size": 8}
    config = make.Idefics3Config(
        vision_config=tower, text_config=make.LlamaConfig(**_TEXT), image_token_id=IMAGE, scale_factor=2, pad_token_id=0
    )

    def see(text: list[int]) -> Prompt:
        count = 1 + len(text) % 2
        pixels = {"pixel_values": torch.randn(1, count, 3, 32, 32)}
        return [*[IMAGE] * 4 * count, *text], pixels | {
            "pixel_attention_mask": torch.ones(1, count, 32, 32, dtype=torch.long)
        }

    return make.Idefics3ForConditionalGeneration(config), see


def lfm2_vl() -> Layout:
    """Convolutions beside attention: its rows have states that cannot be padded."""
    text = make.Lfm2Config(**_TEXT | {"num_hidden_layers": 2}, layer_types=["conv", "full_attention"])
    tower = make.Siglip2VisionConfig(**_TOWER, num_patches=16, patch_size=4)
    config = make.Lfm2VlConfig(
        vision_config=tower, text_config=text, image_token_id=IMAGE, downsample_factor=2, projector_hidden_size=32
    )

    def see(text: list[int]) -> Prompt:
        return text, {}

    return make.Lfm2VlForConditionalGeneration(config), see


def qwen2_audio(*, vocabulary: int = 64, heard: int = AUDIO, frames: int = 32) -> Layout:
    """It hears."""
    tower = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 64}
    ears = make.Qwen2AudioEncoderConfig(**tower, num_mel_bins=8, max_source_positions=frames // 2)
    text = make.Qwen2Config(**_TEXT | {"vocab_size": vocabulary})
    config = make.Qwen2AudioConfig(audio_config=ears, text_config=text, audio_token_index=heard)

    def hear(text: list[int]) -> Prompt:
        sound = {
            "input_features": torch.randn(1, 8, frames),
            "feature_attention_mask": torch.ones(1, frames, dtype=torch.long),
        }
        return [*[heard] * (frames // 4), *text], sound

    return make.Qwen2AudioForConditionalGeneration(config), hear


LAYOUTS = {one.__name__: one for one in (llava, gemma3, qwen2_vl, idefics3, lfm2_vl, qwen2_audio)}
LENGTHS = (3, 14, 6, 9, 21, 4, 12, 5)
LIMITS = (30, 4, 18, 25, 9, 40, 2, 33)


def prompts(see: Callable[[list[int]], Prompt]) -> list[Prompt]:
    """Rows of text of many lengths, two in three with something to see or hear."""
    texts = [torch.randint(10, 60, (length,)).tolist() for length in LENGTHS]
    return [(text, {}) if number % 3 == 2 else see(text) for number, text in enumerate(texts)]


def alone(model: Any, prompt: Prompt, limit: int) -> list[int]:
    ids, inputs = prompt
    with torch.inference_mode():
        made = model.generate(
            input_ids=torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=limit,
            min_new_tokens=limit,
            do_sample=False,
            **inputs,
        )
    said: list[int] = made[0, len(ids) :].tolist()
    return said


class Stepping:
    """A stepper over a model, and what it delivers."""

    def __init__(self, model: Any, bounds: Bounds) -> None:
        self.router = Router()
        self.stepper = Stepper(model, 0, bounds, self.router)

    def add(self, name: str, prompt: Prompt, limit: int) -> None:
        # what generate() never says is never said here: min_new_tokens keeps the end away
        added = self.stepper.add_request(
            prompt[0],
            request_id=name,
            max_new_tokens=limit,
            streaming=True,
            eos_token_id=-1,
            sampling=NoEnd(),  # type: ignore[arg-type]
            inputs=prompt[1],
        )
        assert added == name

    def finished(self, limits: dict[str, int]) -> dict[str, Output]:
        found: dict[str, Output] = {}
        while any(name not in found or len(found[name].generated_tokens) < limits[name] for name in limits):
            try:
                output = self.router.early.get(timeout=30)
            except queue.Empty:
                raise AssertionError(f"{found}") from None
            found[output.request_id] = output
            assert output.error is None, output.error
        return found

    def close(self) -> None:
        self.stepper.stop(block=True, timeout=5, hard_stop=True)


class NoEnd:
    """Picks the best token that is not the end of a text."""

    def pick(self, logits: Tensor) -> int:
        return int(logits.index_fill(0, torch.tensor([2]), -torch.inf).argmax())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kv_tokens", [4096, 150], ids=["roomy", "narrow"])
def test_in_company_each_row_says_what_it_says_alone(
    layout: str, kv_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is narrow, rows are put back and computed again."""
    monkeypatch.setattr(stepper, "_ROOM", 1)
    torch.manual_seed(1)
    model, see = LAYOUTS[layout]()
    model = model.eval()
    rows = prompts(see)
    wanted = {str(n): alone(model, row, LIMITS[n]) for n, row in enumerate(rows)}
    stepping = Stepping(model, Bounds(rows=6, kv_tokens=kv_tokens, batch_tokens=64))
    for number, row in enumerate(rows):
        stepping.add(str(number), row, LIMITS[number])
    stepping.stepper.start()
    try:
        found = stepping.finished({str(n): limit for n, limit in enumerate(LIMITS)})
    finally:
        stepping.close()

    assert {name: one.generated_tokens for name, one in found.items()} == wanted
    assert stepping.stepper._batches == []
    if layout != "lfm2_vl":
        assert stepping.stepper.current_batch < sum(LIMITS)


def test_where_memory_runs_out_the_newest_row_fails_and_the_others_go_on() -> None:
    torch.manual_seed(1)
    model, see = gemma3()
    model = model.eval()
    rows = prompts(see)[:3]
    wanted = {str(n): alone(model, row, 6) for n, row in enumerate(rows)}
    stepping = Stepping(model, Bounds(rows=6, kv_tokens=4096, batch_tokens=4096))
    step = stepping.stepper._forward.step

    def narrow(batch: Any) -> Tensor:
        if len(batch.rows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(batch)

    stepping.stepper._forward.step = narrow  # type: ignore[method-assign]
    for number, row in enumerate(rows):
        stepping.add(str(number), row, 6)
    stepping.stepper.start()
    last: dict[str, Output] = {}
    while any(n not in last or not (last[n].error or len(last[n].generated_tokens) == 6) for n in wanted):
        output = stepping.router.early.get(timeout=30)
        last[output.request_id] = output
    stepping.close()

    failed = [name for name, one in last.items() if one.error]
    assert len(failed) == 1
    assert str(last[failed[0]].error) == "out of memory"
    assert {name: one.generated_tokens for name, one in last.items() if not one.error} == {
        name: said for name, said in wanted.items() if name not in failed
    }


def test_a_lost_device_ends_the_stepper() -> None:
    model, see = gemma3()
    stepping = Stepping(model.eval(), Bounds(rows=6, kv_tokens=4096, batch_tokens=4096))

    def lost(_batch: Any) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered")

    stepping.stepper._forward.begin = lost  # type: ignore[method-assign,assignment]
    stepping.add("a", prompts(see)[0], 6)
    stepping.stepper.start()
    output = stepping.router.early.get(timeout=30)

    assert output.error == "the generation thread died"
    assert "device-side assert" in str(stepping.stepper.background_thread_status.fatal_error)
    stepping.close()
