"""Every layout of rerankers gives the library's scores, or what its makers compute, alone and in company."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from models.errors import ContextLengthExceeded, InvalidRequest
from tests.engines.driver import Driver
from tests.engines.sentence_transformers.residents import CLOSE, error_of, loaded, resident
from tests.families.makers.embeddings import rerankers
from tests.families.makers.embeddings.rerankers import ASKED_BY_WORDS, OF_LIBRARY
from tests.families.makers.embeddings.words import texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK = ("mxbai_v1", "qwen3_of_library", "qwen3", "qwen3_sequences", "mxbai_v2", "bge_gemma")
QUERY = "What lies in the water?"
Scores = Callable[[str, Sequence[str]], list[float]]


def made(folder: Path, name: str) -> Path:
    """A layout in a folder of its own."""
    (folder / name).mkdir()
    getattr(rerankers, name)(folder / name)
    return folder / name


def cases(names: Sequence[str]) -> list[Any]:
    """One of each kind runs at once, the others with ``make families``."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.families) for name in names]


@pytest.mark.parametrize("name", cases(list(OF_LIBRARY)))
async def test_a_layout_gives_the_librarys_scores(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path, name)
    library = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    documents = [one for one in texts() if len(one) < 60]
    expected = [float(library.predict([(QUERY, one)])[0]) for one in documents]
    async for driver in resident(str(folder), modality="rerank"):
        await _same(driver, documents, expected)
        assert driver.engine.told["activation"] == type(library.activation_fn).__name__


@pytest.mark.parametrize(("asked", "told"), [("torch.nn.Tanh", "Tanh"), ("torch.nn.Identity", "Sigmoid")])
async def test_a_launch_tells_what_makes_the_scores(tmp_path: Path, asked: str, told: str) -> None:
    folder = made(tmp_path, "msmarco")
    config = json.loads((folder / "config.json").read_text())
    config["sentence_transformers"] = {"activation_fn": asked}
    (folder / "config.json").write_text(json.dumps(config))
    library = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    activation = getattr(torch.nn, told)()
    expected = library.predict([(QUERY, "a river")], activation_fn=activation)
    async for driver in resident(str(folder), modality="rerank", normalize=True):
        answer = await driver.ask("rerank", query=QUERY, documents=["a river"])
        assert driver.engine.told == {"activation": told}
        assert numpy.allclose(answer.result.scores, expected, atol=CLOSE)


async def _same(driver: Driver, documents: Sequence[str], expected: Sequence[float]) -> None:
    """Each document alone, all at once in requests of their own, and all in one request."""
    alone = [await driver.ask("rerank", query=QUERY, documents=[one]) for one in documents]
    company = [driver.submit("rerank", query=QUERY, documents=[one]) for one in documents]
    await asyncio.gather(*map(driver.until_over, company))
    whole = await driver.ask("rerank", query=QUERY, documents=list(documents))
    for found in (
        [one.result.scores[0] for one in alone],
        [one.result.scores[0] for one in company],
        whole.result.scores,
    ):
        assert numpy.allclose(found, expected, atol=CLOSE, rtol=CLOSE)
    assert numpy.ptp(expected) > 100 * CLOSE, "these documents are not told apart"


QWEN3_PREFIX = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
QWEN3_SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


def causal(folder: Path) -> Any:
    """The network alone. It is not training, as ``from_pretrained`` makes it."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def qwen3(folder: Path, instruction: str = INSTRUCTION) -> Scores:
    """What the model card of Qwen3-Reranker computes."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = causal(folder)
    no, yes = (tokenizer.convert_tokens_to_ids(word) for word in ("no", "yes"))
    prefix, suffix = (tokenizer.encode(text, add_special_tokens=False) for text in (QWEN3_PREFIX, QWEN3_SUFFIX))

    @torch.no_grad()
    def scores(query: str, documents: Sequence[str]) -> list[float]:
        found = []
        for document in documents:
            asked = f"<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}"
            ids = prefix + tokenizer(asked, padding=False)["input_ids"] + suffix
            logits = model(input_ids=torch.tensor([ids])).logits[:, -1, :]
            both = torch.nn.functional.log_softmax(torch.stack([logits[:, no], logits[:, yes]], dim=1), dim=1)
            found.append(float(both[0, 1].exp()))
        return found

    return scores


def qwen3_sequences(folder: Path) -> Scores:
    """What the model card of Qwen3-Reranker-seq-cls computes: the words belong to query and document there."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)

    @torch.no_grad()
    def scores(query: str, documents: Sequence[str]) -> list[float]:
        asked = f"{QWEN3_PREFIX}<Instruct>: {INSTRUCTION}\n<Query>: {query}\n"
        pairs = [tokenizer(asked, f"<Document>: {one}{QWEN3_SUFFIX}", return_tensors="pt") for one in documents]
        return [float(torch.sigmoid(model(**pair).logits[0, 0])) for pair in pairs]

    return scores


def mxbai_v2(folder: Path) -> Scores:
    """What the package mxbai-rerank computes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = causal(folder)
    task = (
        "You are a search relevance expert who evaluates how well documents match search queries. For each "
        "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
        "relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:"
    )
    system = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.no_grad()
    def scores(query: str, documents: Sequence[str]) -> list[float]:
        found = []
        for document in documents:
            inner = ids(f"query: {query}") + ids("\n") + ids(f"document: {document}")
            whole = [*ids(system + "<|im_start|>user\n"), *inner, *ids("\n"), *ids(task)]
            logits = model(input_ids=torch.tensor([whole + ids("<|im_end|>\n<|im_start|>assistant\n")])).logits[0, -1]
            found.append(float(logits[ids("1")[0]] - logits[ids("0")[0]]))
        return found

    return scores


def bge_gemma(folder: Path) -> Scores:
    """What the model card of bge-reranker-v2-gemma computes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = causal(folder)
    prompt = (
        "Given a query A and a passage B, determine whether the passage contains an answer to the query by providing "
        "a prediction of either 'Yes' or 'No'."
    )

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.no_grad()
    def scores(query: str, documents: Sequence[str]) -> list[float]:
        found = []
        for document in documents:
            asked = [tokenizer.bos_token_id, *ids(f"A: {query}"), *ids("\n"), *ids(f"B: {document}")]
            logits = model(input_ids=torch.tensor([[*asked, *ids("\n"), *ids(prompt)]])).logits
            found.append(float(logits[0, -1, ids("Yes")[0]]))
        return found

    return scores


@pytest.mark.parametrize("name", cases(ASKED_BY_WORDS))
async def test_a_reranker_that_is_a_language_model_is_asked_as_its_makers_ask_it(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path, name)
    documents = [one for one in texts() if len(one) < 60]
    expected = globals()[name](folder)(QUERY, documents)
    async for driver in resident(str(folder), modality="rerank", max_length=1024):
        await _same(driver, documents, expected)


@pytest.mark.parametrize("trims", [False, True])
async def test_blanks_around_a_query_are_the_templates_affair(tmp_path: Path, trims: bool) -> None:
    folder = made(tmp_path, "qwen3_of_library")
    if trims:
        template = (folder / "chat_template.jinja").read_text()
        (folder / "chat_template.jinja").write_text(template.replace("| first }}", "| first | trim }}"))
    library = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    query, documents = " What lies in the water?  ", ["  A stone.\n", "a river"]
    expected = library.predict([(query, one) for one in documents])
    async for driver in resident(str(folder), modality="rerank"):
        answer = await driver.ask("rerank", query=query, documents=documents)
        assert numpy.allclose(answer.result.scores, expected, atol=CLOSE)


async def test_what_is_cut_of_a_document_leaves_the_words_around_it(tmp_path: Path) -> None:
    folder = made(tmp_path, "qwen3")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    long = "the river runs down the hill, " * 40
    card = qwen3(folder)
    around = len(tokenizer(QWEN3_PREFIX + QWEN3_SUFFIX)["input_ids"])
    async for driver in resident(str(folder), modality="rerank", max_length=around + 200):
        assert driver.engine.told == {"pair_prompt": "Qwen3-Reranker"}
        answer = await driver.ask("rerank", query=QUERY, documents=[long])
        assert answer.result.cut == 1
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == around + 200
        asked = f"<Instruct>: {INSTRUCTION}\n<Query>: {QUERY}\n<Document>: {long}"
        kept = str(tokenizer.decode(tokenizer(asked)["input_ids"][:200])).partition("<Document>: ")[2]
        assert numpy.allclose(answer.result.scores, card(QUERY, [kept]), atol=CLOSE)
        huge = await driver.ask("rerank", query=QUERY, documents=[long * 200])
        assert huge.result.cut == 1
        assert numpy.allclose(huge.result.scores, answer.result.scores, atol=CLOSE)
        error = await error_of(driver, "rerank", query=QUERY, documents=["x", long], truncation=False)
        assert isinstance(error, ContextLengthExceeded)
        assert error.param == "documents[1]"
        error = await error_of(driver, "rerank", query=QUERY * 30, documents=["x"])
        assert error.param == "query"
        pieces = await driver.ask("rerank", query=QUERY, documents=[long], max_chunks_per_doc=50)
        assert pieces.result.cut == 0
        assert pieces.usage is not None
        assert pieces.usage.prompt_tokens > 2 * around + 200
        assert pieces.result.scores[0] >= answer.result.scores[0]


async def test_a_prompt_takes_the_place_of_the_makers_instruction(tmp_path: Path) -> None:
    folder = made(tmp_path, "qwen3")
    options = {"prompts": {"code": "Find the code."}, "default_prompt": "code", "max_length": 1024}
    async for driver in resident(str(folder), modality="rerank", **options):
        await _same(driver, texts()[:4], qwen3(folder, "Find the code.")(QUERY, texts()[:4]))


async def test_a_launch_says_how_a_reranker_is_asked(tmp_path: Path) -> None:
    folder = made(tmp_path, "llama")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = causal(folder)
    with pytest.raises(InvalidRequest, match="give the option pair_template"):
        loaded(str(folder), modality="rerank")
    with pytest.raises(InvalidRequest, match="once each"):
        loaded(str(folder), modality="rerank", pair_template="{query}")
    with pytest.raises(InvalidRequest, match="is no token of this model"):
        loaded(str(folder), modality="rerank", pair_template="{query}{document}", relevant_token="both of them")
    options = {"pair_template": "Q: {query}\nD: {document}\nGood?", "relevant_token": "1", "irrelevant_token": ""}
    one = tokenizer.convert_tokens_to_ids("1")
    expected = []
    for document in texts()[:4]:
        ids = tokenizer(f"Q: {QUERY}\nD: {document}\nGood?", return_tensors="pt")
        with torch.no_grad():
            expected.append(float(torch.sigmoid(network(**ids).logits[0, -1, one])))
    async for driver in resident(str(folder), modality="rerank", **options):
        assert driver.engine.told == {"pair_prompt": "pair_template"}
        await _same(driver, texts()[:4], expected)


async def test_a_classifier_of_several_labels_gives_no_score(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"into 3 classes \(contradiction, entailment, neutral\)"):
        loaded(str(made(tmp_path, "three_labels")), modality="rerank")
