"""Each layout of text, launched by its folder alone, gives the library's own tokens: alone and in company.

The weights are random: equality is of arithmetic, not of quality.
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from models.errors import EngineFailure, InvalidRequest, UnsupportedParameter
from tests.engines.driver import Driver
from tests.families.makers.text.layout import Layout
from tests.families.makers.text.layouts import LONGROPE, MANAGER
from tests.families.makers.text.making import made, tokenizer_of_numbers, write_tokenizer
from tests.families.makers.text.others import REFUSED, STEPPER
from tests.families.residents import launched
from workers.engines.transformers.ways import PROVEN

pytestmark = pytest.mark.asyncio

KINDS = ("llama", "gemma3_text", "gemma2", "qwen3_next", "deepseek_v3", "doge", "mamba", "xlstm")
"""One of each kind, which every run of the tests tries: by what serves it, and why."""

NEW = 12
CONTEXT = 1024

Ids = list[int]


def layouts(table: dict[str, Layout]) -> list[Any]:
    """The layouts of a table; only those of ``KINDS`` are tried in every run."""
    return [
        pytest.param(one, id=name, marks=() if name in KINDS else pytest.mark.families) for name, one in table.items()
    ]


def prompts(most: int) -> list[Ids]:
    """Prompts of many lengths, within a context of so many tokens; two have a beginning in common."""
    import torch

    random = torch.Generator().manual_seed(3)
    lengths = [length for length in (5, 17, 40, 90, 300, 700) if length + NEW < most]
    some = [torch.randint(3, 512, (length,), generator=random).tolist() for length in lengths]
    return [*some, some[-1][: lengths[-1] * 3 // 4] + some[0]]


def expected(folder: Path, asked: Sequence[Ids], *, long: bool = False) -> list[str]:
    """What the library's ``generate`` makes of each prompt by itself. ``long``: with LongRoPE's long factors alone."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder)
    if long:
        config.rope_parameters["short_factor"] = config.rope_parameters["long_factor"]
    auto: Any = AutoModelForCausalLM
    network = auto.from_pretrained(folder, config=config, dtype=torch.float32).eval()
    rules = {"do_sample": False, "max_new_tokens": NEW, "eos_token_id": -1, "pad_token_id": 0}
    tokens = [network.generate(torch.tensor([ids]), **rules)[0, len(ids) :].tolist() for ids in asked]
    return [tokenizer_of_numbers().decode(row, skip_special_tokens=True) for row in tokens]


async def said(driver: Driver, asked: Sequence[Ids], *, together: bool) -> list[str]:
    """What the engine makes of these prompts."""
    rules = {"max_tokens": NEW, "temperature": 0, "ignore_eos": True}
    if not together:  # with log probabilities, since these are picked in another way
        return [(await driver.ask("completions", prompt=ids, logprobs=1, **rules)).text() for ids in asked]
    answers = [driver.submit("completions", prompt=ids, **rules) for ids in asked]
    for answer in answers:
        await driver.until_over(answer)
    return [answer.text() if answer.error is None else str(answer.error) for answer in answers]


@pytest.mark.parametrize("layout", layouts(MANAGER | STEPPER))
async def test_its_tokens_are_the_librarys(tmp_path: Path, layout: Layout) -> None:
    folder = made(layout, tmp_path / layout.name)
    async with launched(folder, n_ctx=CONTEXT) as driver:
        asked = prompts(driver.capacity.context_length)
        right = expected(folder, asked)

        assert driver.engine.told["batching"] == layout.way
        assert await said(driver, asked, together=False) == right
        assert await said(driver, asked, together=True) == right


@pytest.mark.parametrize("layout", layouts(REFUSED))
async def test_what_nothing_computes_is_refused_at_launch(tmp_path: Path, layout: Layout) -> None:
    folder = made(layout, tmp_path / layout.name)

    with pytest.raises(InvalidRequest, match=f"a network of type {layout.kind}, which the transformers engine does"):
        async with launched(folder):
            pass


async def test_each_network_that_counts_as_proven_is_tried() -> None:
    assert {layout.kind for layout in MANAGER.values()} == PROVEN


@pytest.mark.parametrize(("context", "long"), [(256, False), (CONTEXT, True)])
async def test_one_set_of_factors_counts_for_all_requests(tmp_path: Path, context: int, long: bool) -> None:
    """LongRoPE: a long prompt changes nothing for the short ones beside it."""
    folder = made(LONGROPE, tmp_path / LONGROPE.name)
    async with launched(folder, n_ctx=context) as driver:
        asked = prompts(context)
        right = expected(folder, asked, long=long)

        assert await said(driver, asked, together=False) == right
        assert await said(driver, asked, together=True) == right
    assert (expected(folder, asked[:1]) == right[:1]) is not long


async def test_eager_attention_goes_to_the_way_that_is_right_with_it(tmp_path: Path) -> None:
    layout = MANAGER["olmo2"]
    folder = made(layout, tmp_path / layout.name)
    async with launched(folder, attention="eager", n_ctx=CONTEXT) as driver:
        asked = prompts(CONTEXT)[:4]

        assert driver.engine.told["batching"] == "stepper"
        assert await said(driver, asked, together=True) == expected(folder, asked)


@pytest.mark.parametrize("layout", [MANAGER["llama"], STEPPER["gemma2"]], ids=lambda layout: layout.way)
async def test_numbers_that_are_not_finite_end_an_answer(tmp_path: Path, layout: Layout) -> None:
    """One token's embedding is broken: who writes it gets an error, and the next ones are served as before."""
    from safetensors.torch import load_file, save_file

    folder = made(layout, tmp_path / layout.name)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.embed_tokens.weight"][77] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    async with launched(folder, n_ctx=CONTEXT) as driver:
        scored = {"logprobs": 1, "echo": True, "max_tokens": 0}
        for rules in ({"temperature": 0}, {"temperature": 1.0}, {"temperature": 0, "logprobs": 1}, scored):
            answer = driver.submit("completions", prompt=[5, 77, 6], **{"max_tokens": NEW} | rules)
            await driver.until_over(answer)

            assert isinstance(answer.error, EngineFailure)
            assert "numbers are not finite" in str(answer.error)
        assert (await said(driver, [[5, 6, 7]], together=True))[0]


async def test_what_can_never_be_computed_is_refused_for_good(tmp_path: Path) -> None:
    """A network whose configuration says that it has fewer keys than it makes."""
    layout = Layout("gpt2", "gpt2", "manager", dict(MANAGER["gpt2"].settings) | {"num_key_value_heads": 2})
    folder = made(layout, tmp_path / layout.name)

    with pytest.raises(InvalidRequest, match="cannot compute this model"):
        async with launched(folder):
            pass


async def test_a_template_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = made(MANAGER["llama"], tmp_path / "llama")
    (folder / "chat_template.jinja").write_text("{% for %}")
    before = threading.enumerate()

    with pytest.raises(InvalidRequest, match="the chat template cannot be read"):
        async with launched(folder):
            pass
    assert not any(one.name.endswith("(_run_generation_loop)") for one in threading.enumerate() if one not in before)


async def test_what_fails_for_want_of_memory_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.engines.transformers.rows import Forward

    def full(*_: Any) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Forward, "begin", full)
    folder = made(STEPPER["gemma2"], tmp_path / "gemma2")

    with pytest.raises(EngineFailure, match="out of memory"):
        async with launched(folder):
            pass


async def test_a_network_that_sees_takes_text_where_it_has_no_processor(tmp_path: Path) -> None:
    """As those have that were trained on with text alone."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    torch.manual_seed(7)
    text = dict(MANAGER["gemma3_text"].configuration)
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Gemma3Config(
        text_config=text, vision_config=tower | {"image_size": 32, "patch_size": 8}, mm_tokens_per_image=4
    )
    folder = tmp_path / "gemma3"
    Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    write_tokenizer(folder, "{{ messages[0]['content'] }}")
    async with launched(folder, n_ctx=CONTEXT) as driver:
        asked = prompts(CONTEXT)[:4]
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}

        assert await said(driver, asked, together=True) == expected(folder, asked)
        with pytest.raises(UnsupportedParameter, match="does not take pictures"):
            driver.check("chat", messages=[{"role": "user", "content": [picture]}])


@pytest.mark.parametrize("method", ["awq", "gptq", "compressed-tensors"])
async def test_quantised_weights_name_the_engine_that_reads_them(tmp_path: Path, method: str) -> None:
    folder = made(MANAGER["llama"], tmp_path / "llama")
    config = json.loads((folder / "config.json").read_bytes())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(InvalidRequest, match=f"quantised by {method}, .* vllm") as caught:
        async with launched(folder):
            pass
    assert caught.value.param == "model_engine"


async def test_yarn_lengthens_the_context(tmp_path: Path) -> None:
    """As its makers write it: the configuration names the length without its factor."""
    layout = MANAGER["llama_yarn"]
    folder = made(layout, tmp_path / layout.name)
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 512}))
    async with launched(folder, n_ctx=CONTEXT) as driver:
        asked = prompts(CONTEXT)

        assert driver.capacity.context_length == CONTEXT
        assert max(map(len, asked)) > 512
        assert await said(driver, asked, together=True) == expected(folder, asked)
