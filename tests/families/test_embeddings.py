"""Every layout of embedding models, launched by its folder alone, gives the library's vectors, alone and in company."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities import embeddings
from models.modalities.base import Usage
from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import CLOSE, error_of, loaded, resident, vectors
from tests.families.makers.embeddings import embedders, rerankers
from tests.families.makers.embeddings.embedders import EMBEDDERS
from tests.families.makers.embeddings.more import MORE
from tests.families.makers.embeddings.words import texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = ("mpnet", "qwen3", "qwen3_saved", "matryoshka", "static", "pickled")
"""One of each kind; the others run with ``make families``."""


def made(folder: Path, name: str) -> Path:
    """A layout in a folder of its own."""
    (folder / name).mkdir()
    (MORE.get(name) or getattr(embedders, name))(folder / name)
    return folder / name


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.families) for name in EMBEDDERS | MORE]
)
async def test_a_layout_gives_the_librarys_vectors(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path, name)
    library = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    async for driver in resident(str(folder), modality="embeddings"):
        await _same(driver, library)
        for prompt in filter(None, library.prompts):
            await _same(driver, library, prompt)


async def _same(driver: Driver, library: Any, prompt: str | None = None) -> None:
    """Each text alone, all at once in requests of their own, and all in one request."""
    words = list(texts())
    expected = numpy.stack([library.encode(one, prompt_name=prompt) for one in words])
    fields: dict[str, Any] = {"truncate": True} | ({"input_type": prompt} if prompt else {})
    alone = [vectors(await driver.ask("embeddings", input=one, **fields)) for one in words]
    answers = [driver.submit("embeddings", input=one, **fields) for one in words]
    await asyncio.gather(*map(driver.until_over, answers))
    company = [vectors(one) for one in answers]
    for found in (
        numpy.concatenate(alone),
        numpy.concatenate(company),
        vectors(await driver.ask("embeddings", input=words, **fields)),
    ):
        assert found.shape == expected.shape
        assert abs(found - expected).max() < CLOSE


async def test_a_decoder_that_says_nothing_of_pooling_takes_the_last_token(tmp_path: Path) -> None:
    folder = made(tmp_path, "bare_decoder")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    async for driver in resident(str(folder), modality="embeddings"):
        assert driver.engine.told == {"pooling": "last", "pooling_assumed": True, "dimensions": 64}
        for text in texts()[:4]:
            with torch.no_grad():
                expected = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, -1]
            found = vectors(await driver.ask("embeddings", input=text))[0]
            assert abs(found - expected.numpy()).max() < CLOSE


@pytest.mark.parametrize(
    ("asked", "computed"),
    [
        (None, lambda states: states.mean(0)),
        ("mean", lambda states: states.mean(0)),
        ("cls", lambda states: states[0]),
        ("last", lambda states: states[-1]),
        ("max", lambda states: states.max(0).values),
        ("mean_sqrt_len", lambda states: states.sum(0) / len(states) ** 0.5),
        (
            "weighted_mean",
            lambda states: (
                (states * torch.arange(1, len(states) + 1)[:, None]).sum(0) * 2 / (len(states) * (len(states) + 1))
            ),
        ),
    ],
)
async def test_a_launch_says_how_tokens_become_a_vector(tmp_path: Path, asked: str | None, computed: Any) -> None:
    folder = made(tmp_path, "bare_bert")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    options = {} if asked is None else {"pooling": asked}
    async for driver in resident(str(folder), modality="embeddings", **options):
        assert driver.engine.told["pooling"] == (asked or "mean")
        assert driver.engine.told["pooling_assumed"] == (asked is None)
        words = list(texts()[:5])
        found = vectors(await driver.ask("embeddings", input=words))
        for text, row in zip(words, found, strict=True):
            with torch.no_grad():
                states = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            assert abs(row - computed(states).numpy()).max() < CLOSE


async def test_a_model_that_cuts_its_vectors_gives_more_of_them_where_more_are_asked_for(tmp_path: Path) -> None:
    folder = made(tmp_path, "matryoshka")
    library = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    async for driver in resident(str(folder), modality="embeddings"):
        assert driver.engine.told == {"pooling": "mean", "pooling_assumed": False, "dimensions": 24}
        for size in (1, 24, 25, 64):
            found = vectors(await driver.ask("embeddings", input="water", dimensions=size))
            assert abs(found[0] - library.encode("water", truncate_dim=size)).max() < CLOSE
        assert (await error_of(driver, "embeddings", input="water", dimensions=65)).param == "dimensions"


async def test_a_prompt_goes_before_texts_alone(tmp_path: Path) -> None:
    folder = made(tmp_path, "bge")
    async for driver in resident(str(folder), modality="embeddings", default_prompt="query"):
        ids = [7, 8, 9, 10]
        error = await error_of(driver, "embeddings", input=ids, input_type="query")
        assert isinstance(error, InvalidRequest)
        assert error.param == "input_type"
        answer = await driver.ask("embeddings", input=ids)
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == len(ids) + 2


@pytest.mark.parametrize(
    "place", ["pytorch_model.bin", "2_Dense/pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt"]
)
async def test_what_is_more_than_tensors_is_not_unpickled(tmp_path: Path, place: str) -> None:
    folder, ran = made(tmp_path, "dense" if "/" in place else "pickled"), tmp_path / "ran"

    class Code:
        """What runs a command when it is unpickled."""

        def __reduce__(self) -> Any:
            return os.system, (f"touch {ran}",)

    (folder / place).with_name("model.safetensors").unlink(missing_ok=True)
    torch.save({"linear.weight": Code()}, folder / place)
    with pytest.raises(InvalidRequest, match=r"could run code|not the weights"):
        loaded(str(folder))
    assert not ran.exists()


async def test_what_has_no_place_for_a_text_is_refused_in_words_about_itself(tmp_path: Path) -> None:
    silent = made(tmp_path, "qwen3_saved")
    (silent / "chat_template.jinja").write_text("{{ 'always the same' }}")
    with pytest.raises(InvalidRequest, match="chat template has no place for a text"):
        loaded(str(silent))
    with pytest.raises(InvalidRequest, match="without pooling") as refused:
        loaded(str(made(tmp_path, "static")), pooling="mean")
    assert refused.value.param == "pooling"


@pytest.mark.parametrize(
    ("layout", "file", "change", "said"),
    [
        ("minilm", "modules.json", lambda entries: entries[0].update(type="custom_st.Transformer"), "custom_st.Trans"),
        (
            "minilm",
            "config.json",
            lambda config: config.update(model_type="x", auto_map={"AutoConfig": "own.X"}),
            "network",
        ),
        (
            "msmarco",
            "config.json",
            lambda config: config["sentence_transformers"].update(activation_fn="own.X"),
            "own.X",
        ),
    ],
)
async def test_code_of_its_own_is_refused_with_the_way_to_allow_it(
    tmp_path: Path, layout: str, file: str, change: Any, said: str
) -> None:
    getattr(rerankers if layout == "msmarco" else embedders, layout)(tmp_path)
    described = json.loads((tmp_path / file).read_text())
    change(described)
    (tmp_path / file).write_text(json.dumps(described))
    for name in ("custom_st.py", "own.py"):
        (tmp_path / name).write_text("raise SystemExit('it ran')")
    with pytest.raises(InvalidRequest, match=rf"code of their own \(.*{said}.*HEADRACE_TRUST_REMOTE_CODE") as refused:
        loaded(str(tmp_path))
    assert refused.value.param == "trust_remote_code"


async def test_a_model_of_pictures_is_refused_in_words_about_itself(tmp_path: Path) -> None:
    embedders.clip(tmp_path)
    with pytest.raises(InvalidRequest, match="pictures"):
        loaded(str(tmp_path))


async def test_bge_m3_gives_weights_of_tokens(tmp_path: Path) -> None:
    """As FlagEmbedding computes them: the largest of each token that is no special one."""
    folder = made(tmp_path, "bge_m3")
    torch.manual_seed(11)
    linear = torch.nn.Linear(64, 1)
    torch.save(linear.state_dict(), folder / "sparse_linear.pt")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    words = [
        *texts()[:6],
        "a stone in a river, a river on a hill, a hill of stone",
        "water is water, a band a band of music",
    ]
    async for driver in resident(str(folder), modality="embeddings"):
        dense = [driver.submit("embeddings", input=words) for _ in range(2)]
        answer = await driver.ask("embeddings", input=words, return_sparse=True)
        await asyncio.gather(*map(driver.until_over, dense))
        assert numpy.abs(vectors(dense[0]) - vectors(dense[1])).max() < CLOSE
        ids = [tokenizer(text)["input_ids"] for text in words]
        for found in (answer, await driver.ask("embeddings", input=ids, return_sparse=True)):
            for row, weights in zip(ids, found.result, strict=True):
                with torch.no_grad():
                    states = network(torch.tensor([row])).last_hidden_state[0]
                    computed = torch.relu(linear(states))[:, 0].tolist()
                expected: dict[str, float] = {}
                for token, weight in zip(row, computed, strict=True):
                    if token not in (0, 1, 2, 3) and weight > 0:
                        expected[str(token)] = max(weight, expected.get(str(token), 0))
                assert weights == pytest.approx(expected, abs=1e-4)
        reply = embeddings.Reply("r", driver.check("embeddings", input=words, return_sparse=True), 0)
        shown = json.loads(reply.end(Usage(1, 0), answer.result))["data"]
        assert [one["embedding"] for one in shown] == [pytest.approx(one) for one in answer.result]
    for fields in ({"dimensions": 3}, {"encoding_format": "base64"}):
        with pytest.raises(ValueError, match="leave it out"):
            embeddings.Request.model_validate({"model": "m", "input": "x", "return_sparse": True, **fields})
    (folder / "sparse_linear.pt").unlink()
    async for driver in resident(str(folder), modality="embeddings"):
        with pytest.raises(UnsupportedParameter):
            driver.check("embeddings", input="x", return_sparse=True)


@pytest.mark.parametrize("side", ["right", "left"])
async def test_bge_m3_gives_a_vector_for_each_token(tmp_path: Path, side: str) -> None:
    """As FlagEmbedding computes them: of length 1, without that of the first token, which stands for the whole text."""
    folder = made(tmp_path, "bge_m3")
    torch.manual_seed(12)
    linear = torch.nn.Linear(64, 24)
    torch.save(linear.state_dict(), folder / "colbert_linear.pt")
    told = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(told | {"padding_side": side}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    words = texts()[:6]
    right = []
    for text in words:
        with torch.no_grad():
            states = network(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0, 1:]
            right.append(torch.nn.functional.normalize(linear(states), dim=-1).numpy())
    async for driver in resident(str(folder), modality="embeddings"):
        answer = await driver.ask("embeddings", input=words, return_multivector=True)
        for found, expected in zip(answer.result, right, strict=True):
            assert numpy.abs(numpy.asarray(found) - expected).max() < CLOSE
        for encoded in (False, True):
            asked = {"input": words, "return_colbert_vecs": True} | ({"encoding_format": "base64"} if encoded else {})
            reply = embeddings.Reply("r", driver.check("embeddings", **asked), 0)
            for one, expected in zip(json.loads(reply.end(Usage(1, 0), answer.result))["data"], right, strict=True):
                rows = one["embedding"]
                if encoded:
                    rows = [numpy.frombuffer(base64.b64decode(row), "<f4") for row in rows]
                assert numpy.abs(numpy.asarray(rows) - expected).max() < CLOSE
        with pytest.raises(UnsupportedParameter):
            driver.check("embeddings", input="x", return_sparse=True)


async def test_vectors_of_tokens_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path, "bge_m3")
    torch.save(torch.nn.Linear(64, 24).state_dict(), folder / "colbert_linear.pt")
    monkeypatch.setattr("workers.engines.sentence_transformers.engine.MOST_NUMBERS", 24 * 30)
    async for driver in resident(str(folder), modality="embeddings"):
        ids: dict[str, Any] = {"input": [[7] * 18] * 2, "return_multivector": True}  # 20 tokens each
        error = await error_of(driver, "embeddings", **ids)
        assert (type(error), error.param) == (InvalidRequest, "input")
        answers = [
            await driver.ask("embeddings", **ids | {"input": [[7] * 18]}),
            await driver.ask("embeddings", **ids, encoding_format="base64"),
            await driver.ask("embeddings", input=ids["input"]),
        ]
        assert [len(one.result) for one in answers] == [1, 2, 2]


@pytest.mark.parametrize("fields", [{"dimensions": 3}, {"return_sparse": True}])
async def test_vectors_of_tokens_are_asked_for_alone(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        embeddings.Request.model_validate({"model": "m", "input": "x", "return_multivector": True, **fields})


async def test_what_can_never_be_computed_is_refused_for_good(tmp_path: Path) -> None:
    """A last layer that takes other vectors than the network makes."""
    folder = made(tmp_path, "dense")
    [layer] = folder.glob("*_Dense")
    told = json.loads((layer / "config.json").read_text())
    (layer / "config.json").write_text(json.dumps(told | {"in_features": 32}))
    weights = load_file(layer / "model.safetensors")
    weights["linear.weight"] = weights["linear.weight"][:, :32].contiguous()
    save_file(weights, layer / "model.safetensors")

    with pytest.raises(InvalidRequest, match="cannot compute this model"):
        await loaded(str(folder), modality="embeddings")
