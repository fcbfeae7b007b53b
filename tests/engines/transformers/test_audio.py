"""Recordings in messages, with a model in Qwen2-Audio's layout whose weights are random: none is small that listens.

So this shows that a recording reaches the model, and nothing of what it makes of it.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
import transformers

from models.errors import UnsupportedParameter
from models.modalities.chat.messages import Media
from tests.engines.conftest import source_of
from tests.engines.driver import Answer, Driver
from tests.engines.transformers.test_rows import qwen2_audio
from tests.support.sounds import encoded, silence
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

make: Any = transformers
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% else %}{{ p['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>{% endfor %}"
)


def save(folder: Path) -> None:
    """A model that hears, untrained, with the tokenizer of the one that sees."""
    tokenizer = make.AutoTokenizer.from_pretrained(source_of("seeing"))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]})
    torch.manual_seed(2)
    model, _ = qwen2_audio(vocabulary=len(tokenizer), heard=tokenizer.convert_tokens_to_ids("<|AUDIO|>"), frames=200)
    model.save_pretrained(folder)
    listener = make.WhisperFeatureExtractor(feature_size=8, chunk_length=2)
    make.Qwen2AudioProcessor(listener, tokenizer, chat_template=TEMPLATE).save_pretrained(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    folder = tmp_path_factory.mktemp("hearing")
    await asyncio.to_thread(save, folder)
    site = EngineSite(str(folder), "cpu", {"n_threads": 1, "n_ctx": 256})
    engine = await engine_class("transformers").resident(site, lambda stage, fraction: None)
    yield Driver("transformers", engine)
    engine.close()


async def ask(driver: Driver, *seconds: float) -> Answer:
    datas = [encoded(silence(one), "wav", "pcm_s16le") for one in seconds]
    parts: list[Any] = [
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(one).decode(), "format": "wav"}}
        for one in datas
    ]
    return await driver.ask(
        "chat",
        messages=[{"role": "user", "content": [*parts, {"type": "text", "text": "What is this?"}]}],
        media=[Media("audio", "audio/wav", one) for one in datas],
        max_tokens=5,
        temperature=0,
        ignore_eos=True,
    )


async def test_a_recording_takes_tokens_by_its_length(hearing: Driver) -> None:
    answers = await asyncio.gather(ask(hearing), ask(hearing, 1.0), ask(hearing, 2.0), ask(hearing, 1.0, 2.0))
    tokens = [one.usage.prompt_tokens for one in answers if one.usage is not None]

    assert all(one.finishes == {0: "length"} for one in answers)
    assert tokens[1] - tokens[0] == 25 + 2  # 40 ms each, begin and end
    assert tokens[2] - tokens[0] == 50 + 2
    assert tokens[3] - tokens[0] == 75 + 4


async def test_it_takes_no_pictures(hearing: Driver) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(UnsupportedParameter, match="does not take pictures"):
        hearing.check("chat", messages=[{"role": "user", "content": [part]}])
