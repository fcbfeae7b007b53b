"""Asks an engine and the library for the same answers about pictures, greedily."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from models.modalities.chat.messages import Media
from tests.engines.driver import Driver
from tests.support.pictures import data_url, saved
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.transformers.seeing.processor import open_processor

TOKENS = 10
Part = str | tuple[int, int]
"""A text, or a picture of this width and height."""

QUESTIONS: dict[str, Sequence[Part]] = {
    "one": [(48, 48), "What color is it?"],
    "wide": [(96, 40), "What is this?"],
    "amid text": ["Look: a blue", (40, 80), "star."],
    "two": [(64, 64), (48, 32), "A red seven."],
    "text": ["A white star on a black background."],
}


def picture(size: tuple[int, int]) -> Image.Image:
    """Noise that is the same each time."""
    width, height = size
    noise = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


async def resident(folder: Path, **options: Any) -> Driver:
    """The engine over this folder."""
    site = EngineSite(str(folder), "cpu", {"n_threads": 1, "n_ctx": 2048} | options)
    return Driver("transformers", await engine_class("transformers").resident(site, lambda stage, fraction: None))


@dataclass(frozen=True, slots=True)
class Said:
    """Tokens by name, and their log probabilities; the same to a thousandth counts as the same."""

    tokens: tuple[bytes, ...]
    logprobs: tuple[float, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Said) or self.tokens != other.tokens:
            return False
        return bool(np.allclose(self.logprobs, other.logprobs, atol=1e-3))

    __hash__ = None  # type: ignore[assignment]


async def asked(driver: Driver, parts: Sequence[Part], most: int = TOKENS) -> Said:
    """What the engine answers."""
    datas = [saved("png", picture(one)) for one in parts if not isinstance(one, str)]
    shown = iter(datas)
    content = [
        {"type": "text", "text": one}
        if isinstance(one, str)
        else {"type": "image_url", "image_url": {"url": data_url(next(shown))}}
        for one in parts
    ]
    answer = await driver.ask(
        "chat",
        messages=[{"role": "user", "content": content}],
        media=[Media("image", "image/png", one) for one in datas],
        max_tokens=most,
        temperature=0,
        ignore_eos=True,
        logprobs=True,
    )
    told = answer.logprobs()
    return Said(tuple(bytes(one.octets) for one in told), tuple(one.logprob or 0.0 for one in told))


async def asked_together(driver: Driver, questions: Sequence[Sequence[Part]], most: int = TOKENS) -> list[Said]:
    """The same for several, begun at once."""
    return list(await asyncio.gather(*(asked(driver, one, most) for one in questions)))


def network(folder: Path) -> Any:
    """The library's own network; of one that speaks, too, the part that writes."""
    auto: Any = transformers
    config = auto.AutoConfig.from_pretrained(folder)
    kind = auto.AutoModelForMultimodalLM
    if config.model_type == "qwen2_5_omni":
        kind = auto.Qwen2_5OmniThinkerForConditionalGeneration
    return kind.from_pretrained(folder, dtype=torch.float32).eval()


class Library:
    """transformers alone, with the processor that the engine found. ``driver``: whose names of tokens are used."""

    def __init__(self, folder: Path, driver: Driver) -> None:
        auto: Any = transformers
        self.driver = driver
        config = auto.AutoConfig.from_pretrained(folder)
        self.processor = open_processor(folder, config)
        self.model = network(folder)

    def answer(self, parts: Sequence[Part]) -> Said:
        """What it generates."""
        content = [
            {"type": "text", "text": one} if isinstance(one, str) else {"type": "image", "image": picture(one)}
            for one in parts
        ]
        inputs = self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
        )
        inputs.pop("labels", None)
        inputs = {name: one.float() if one.is_floating_point() else one for name, one in inputs.items()}
        how = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "do_sample": False, "eos_token_id": None}
        with torch.inference_mode():
            made = self.model.generate(**inputs, **how, output_logits=True, return_dict_in_generate=True)
        ids = made.sequences[0, inputs["input_ids"].shape[1] :].tolist()
        logprobs = torch.stack(made.logits)[:, 0].float().log_softmax(-1)
        names = [self.driver.engine._model.name_of(one) for one in ids]  # type: ignore[attr-defined]
        return Said(
            tuple(raw or text.encode() for text, raw in names),
            tuple(logprobs[range(len(ids)), ids].tolist()),
        )
