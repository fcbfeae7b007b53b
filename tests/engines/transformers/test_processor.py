"""Processors that lack a part here: those of models that take videos, too, which need torchvision. Random weights."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
import transformers
from PIL import Image

from models.errors import InvalidRequest
from models.modalities.chat.messages import Media
from tests.engines.conftest import source_of
from tests.engines.driver import Answer, Driver
from tests.engines.transformers.test_rows import qwen2_vl
from tests.support.pictures import data_url, saved
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

make: Any = transformers
MARKS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% for p in m['content'] %}{% if p['type'] == 'image' %}<|vision_start|>"
    "<|image_pad|><|vision_end|>{% else %}{{ p['text'] }}{% endif %}{% endfor %}<|im_end|>{% endfor %}"
)


def save(folder: Path) -> None:
    """A model in Qwen2-VL's layout, untrained, with the files that such a repository has."""
    tokenizer = make.AutoTokenizer.from_pretrained(source_of("seeing"))
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS)})
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(3)
    model, _ = qwen2_vl(len(tokenizer), *(tokenizer.convert_tokens_to_ids(one) for one in MARKS))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    make.Qwen2VLImageProcessorPil(patch_size=4, merge_size=2).save_pretrained(folder)
    said = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(said | {"processor_class": "Qwen2VLProcessor"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("qwen")
    save(made)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def qwen(folder: Path) -> AsyncIterator[Driver]:
    site = EngineSite(str(folder), "cpu", {"n_threads": 1, "n_ctx": 256})
    engine = await engine_class("transformers").resident(site, lambda stage, fraction: None)
    yield Driver("transformers", engine)
    engine.close()


async def ask(driver: Driver, *sizes: tuple[int, int]) -> Answer:
    datas = [saved("png", Image.effect_noise(size, 80).convert("RGB")) for size in sizes]
    parts: list[Any] = [{"type": "image_url", "image_url": {"url": data_url(one)}} for one in datas]
    content = [*parts, {"type": "text", "text": "What?"}]
    media = [Media("image", "image/png", one) for one in datas]
    fields: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "media": media, "max_tokens": 6}
    return await driver.ask("chat", **fields, temperature=0, ignore_eos=True)


async def test_pictures_need_no_torchvision(qwen: Driver) -> None:
    answers = await asyncio.gather(ask(qwen), ask(qwen, (64, 64)), ask(qwen, (80, 64)), ask(qwen, (64, 64), (80, 64)))
    tokens = [one.usage.prompt_tokens for one in answers if one.usage is not None]

    assert all(one.finishes == {0: "length"} for one in answers)
    assert tokens[1] - tokens[0] == 8 * 8 + 2  # a token for 8 x 8 pixels
    assert tokens[2] - tokens[0] == 10 * 8 + 2
    assert tokens[3] - tokens[0] == 8 * 8 + 10 * 8 + 4


async def test_a_model_without_its_tokenizer_says_so(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InvalidRequest, match="lies no tokenizer") as caught:
        engine_class("transformers").load(EngineSite(str(tmp_path), "cpu", {}), lambda stage, fraction: None)

    assert caught.value.param == "model_path"
