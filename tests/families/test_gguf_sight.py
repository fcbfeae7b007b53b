"""GGUF files with a projector beside them: launched by their folder alone, they see what the same weights see."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import torch
import transformers
from PIL import Image

from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.about import about
from models.launching.peek import peek_at
from models.modalities.chat.messages import Media
from tests.engines.driver import Driver
from tests.families.makers.seeing.ggufs import SIZE, llava
from tests.families.residents import launched
from tests.support.pictures import data_url, saved
from workers.engines.llama_cpp.sight import chosen
from workers.engines.transformers.seeing.processor import open_processor

pytestmark = pytest.mark.asyncio(loop_scope="session")
BROKEN = "\ufffd"
"""A character that is not whole; at an answer's end it is kept back."""

RULES: dict[str, Any] = {"max_tokens": 8, "temperature": 0, "ignore_eos": True}
Part = str | Image.Image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("llava")
    llava(made)
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def driver(folder: Path) -> AsyncIterator[Driver]:
    async with launched(folder / "gguf", n_ctx=512, n_parallel=3, n_threads=1) as driver:
        assert driver.name == "llama_cpp"
        yield driver


def picture(seed: int) -> Image.Image:
    """Noise of the size that the model sees, so that nothing is scaled."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8))


QUESTIONS: dict[str, list[Part]] = {
    "one": ["Look: ", picture(5), " What is the stone?"],
    "two": [picture(3), picture(4), "Which?"],
    "at the end": ["The river and", picture(3)],
    "text": ["What lies in the water?"],
}


def asked(parts: list[Part], kind: str = "webp", **detail: str) -> dict[str, Any]:
    """A request that shows these parts."""
    files = [
        saved(kind, one, **({"lossless": True} if kind == "webp" else {})) for one in parts if not isinstance(one, str)
    ]
    shown = iter(files)
    content = [
        {"type": "text", "text": one}
        if isinstance(one, str)
        else {"type": "image_url", "image_url": {"url": data_url(next(shown))} | detail}
        for one in parts
    ]
    media = [Media("image", f"image/{kind}", one) for one in files]
    return {"messages": [{"role": "user", "content": content}], "media": media}


@pytest.fixture(scope="module")
def right(folder: Path) -> dict[str, str]:
    """What transformers writes, from the same weights."""
    make: Any = transformers
    network = make.LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = open_processor(folder, network.config)
    found = {}
    for name, parts in QUESTIONS.items():
        content = [
            {"type": "text", "text": one} if isinstance(one, str) else {"type": "image", "image": one} for one in parts
        ]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=True,
        )
        how = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False, "eos_token_id": None}
        ids = network.generate(**inputs, **how)[0, inputs["input_ids"].shape[1] :]
        found[name] = processor.tokenizer.decode(ids, skip_special_tokens=True).replace("<think>", "").rstrip(BROKEN)
    return found


async def test_it_sees_what_its_weights_see(driver: Driver, right: dict[str, str]) -> None:
    alone = {name: (await driver.ask("chat", **asked(parts), **RULES)).text() for name, parts in QUESTIONS.items()}
    answers = [driver.submit("chat", **asked(parts), **RULES) for parts in QUESTIONS.values()]
    await asyncio.gather(*map(driver.until_over, answers))

    assert alone == right
    assert [one.text() for one in answers] == [*right.values()]


async def test_what_it_sees_goes_through_forms_tools_and_thoughts(driver: Driver) -> None:
    """What llama.cpp's own chat does not do: the prompt is made here, and the picture goes with it."""
    shown = asked(["Look: ", picture(5)])
    tool = {"type": "function", "function": {"name": "pick", "parameters": {"type": "object", "properties": {}}}}
    forms: list[dict[str, Any]] = [
        {"structured_outputs": {"regex": "(red|blue)"}},
        {"tools": [tool], "tool_choice": "required"},
        {"logprobs": True, "top_logprobs": 2},
        {"n": 2, "seed": 3, "temperature": 1.0},
    ]
    answers = [driver.submit("chat", **shown, max_tokens=24, **form) for form in forms]
    await asyncio.gather(*map(driver.until_over, answers))

    assert [one.error for one in answers] == [None] * 4
    assert answers[0].text() in ("red", "blue")
    plain = await driver.ask("chat", messages=[{"role": "user", "content": "Look: "}], max_tokens=1)
    tokens = [0 if one.usage is None else one.usage.prompt_tokens for one in (*answers, plain)]
    assert tokens[0] == tokens[2] == tokens[3] == tokens[4] + 16


@pytest.mark.parametrize(("detail", "size"), [("high", (700, 500)), ("low", (512, 512))])
async def test_large_pictures_are_scaled(driver: Driver, detail: str, size: tuple[int, int]) -> None:
    """They reach llama.cpp in bounds; this model then scales them to what it sees."""
    large = picture(1).resize((1400, 1000))
    answer = await driver.ask("chat", **asked([large, "What?"], "jpeg", detail=detail), **RULES)
    again = await driver.ask("chat", **asked([large.resize(size), "What?"], "jpeg", detail=detail), **RULES)

    assert answer.usage is not None
    assert again.usage is not None
    assert answer.usage.prompt_tokens == again.usage.prompt_tokens


async def test_without_its_projector_it_reads_text_alone(folder: Path, driver: Driver) -> None:
    async with launched(folder / "gguf", mmproj="none", n_ctx=512, n_threads=1) as blind:
        with pytest.raises(UnsupportedParameter, match="does not take pictures"):
            blind.check("chat", messages=asked([picture(1)])["messages"])
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    with pytest.raises(UnsupportedParameter, match="does not take recordings"):
        driver.check("chat", messages=[{"role": "user", "content": [sound]}])


async def test_what_is_told_is_the_models_own(folder: Path) -> None:
    told = about("llama_cpp", "LLM", peek_at(folder / "gguf"), {"n_ctx": 512})

    assert (told.family, told.context_length) == ("qwen3", 512)
    assert {"chat", "generate", "vision"} <= {*told.abilities}


@pytest.mark.parametrize("name", ["other.gguf", "model.gguf", "/etc/passwd", "tokenizer.json", "/dev/null"])
async def test_a_projector_that_is_none_is_named(folder: Path, name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        async with launched(folder / "gguf", mmproj=name):
            pass
    assert caught.value.param == "mmproj"
    assert caught.value.message == f"'mmproj' is no GGUF file of a projector: {name}"


@pytest.mark.parametrize("kept", [0.5, 0.99])
async def test_a_file_that_breaks_off_is_refused_for_good(folder: Path, tmp_path: Path, kept: float) -> None:
    data = (folder / "gguf" / "model.gguf").read_bytes()
    (tmp_path / "model.gguf").write_bytes(data[: int(len(data) * kept)])

    with pytest.raises(InvalidRequest, match="the file is broken or not whole"):
        async with launched(tmp_path / "model.gguf"):
            pass


@pytest.mark.parametrize("fields", [{"prompt": [5, 6]}, {"prompt": "a", "echo": True, "logprobs": 1}])
async def test_what_llama_cpp_cannot_do_beside_a_projector_is_named(driver: Driver, fields: dict[str, Any]) -> None:
    answer = driver.submit("completions", max_tokens=1, **fields)
    await driver.until_over(answer)

    assert isinstance(answer.error, UnsupportedParameter)
    assert "launch the model with mmproj 'none'" in answer.error.message


async def test_tokens_of_pictures_are_not_counted(driver: Driver) -> None:
    answer = driver.submit("tokenize", messages=asked([picture(1)])["messages"])
    await driver.until_over(answer)

    assert isinstance(answer.error, UnsupportedParameter)
    assert answer.error.param == "messages[0].content[0].image_url"


async def test_of_several_precisions_one_is_loaded() -> None:
    names = ["mmproj-model-F32.gguf", "mmproj-model-bf16.gguf", "mmproj-model-f16.gguf", "mmproj-x-Q8_0.gguf"]

    assert [chosen(names), chosen(names[:2]), chosen(names[::3]), chosen(["mmproj.gguf"]), chosen([])] == [
        *(names[2], names[1], names[3], "mmproj.gguf", None)
    ]
