"""What asks a model once and shows its answer: embeddings, rerank, tokens. All on real weights."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look
from tests.e2e.ui.watched import unfit
from tests.support.weights import RERANKER

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

LOADS_MS = 90_000
TEXTS = "A cat sleeps on the sofa.\nThe stock market fell today.\nA kitten naps on the couch.\n\n"


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server with models that embed, rank and write."""
    own = Stack(tmp_path_factory.mktemp("trying") / "home", demo=True)
    try:
        own.start()
        body = {
            "model_uid": "ranker",
            "model_name": "ranker",
            "model_type": "rerank",
            "model_engine": "sentence_transformers",
        }
        launched = httpx.post(f"{own.url}/v1/models", json=body | {"model_path": str(RERANKER)}, timeout=120)
        assert launched.status_code == 200, launched.text
        yield own
    finally:
        own.close()


def facts(page: Page) -> dict[str, str]:
    """The facts that the page tells, by their names."""
    terms = page.locator("dl dt").all_inner_texts()
    return dict(zip(terms, page.locator("dl dd").all_inner_texts(), strict=True))


@pytest.mark.parametrize("path", ["embeddings", "rerank", "tokenizer", "completion"])
@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(able: Stack, opened: Opener, path: str, locale: str) -> None:
    page, _ = opened(f"{able.url}/ui/{path}", locale=locale)
    page.get_by_role("combobox").wait_for()
    page.locator("form button[type=submit]").click()
    if path == "completion":
        page.get_by_text("tokens read" if locale == "en-US" else "读取").last.wait_for(timeout=LOADS_MS)
        page.locator("details").nth(0).locator("summary").click()
    else:
        page.locator("main section").nth(1).wait_for(timeout=LOADS_MS)
    look(page, path, locale)


def test_texts_are_compared(able: Stack, opened: Opener) -> None:
    page, _ = opened(f"{able.url}/ui/embeddings")
    page.get_by_label("Texts, one a line").fill(TEXTS)
    page.get_by_role("button", name="Embed").click()
    page.get_by_role("heading", name="Similarity map").wait_for(timeout=LOADS_MS)
    assert facts(page)["Vectors"] == "3"
    assert facts(page)["Dimensions"] == "384"
    assert facts(page)["Length (norm)"] == "1"
    first = page.get_by_role("listitem").filter(has_text="↔").first
    expect(first).to_contain_text("A cat sleeps on the sofa. ↔ A kitten naps on the couch.")
    cells = page.get_by_role("row").nth(1).get_by_role("cell")
    assert cells.nth(0).inner_text() == "1"
    assert float(cells.nth(2).inner_text()) > float(cells.nth(1).inner_text())
    page.get_by_text("As code").click()
    expect(page.locator("pre").first).to_contain_text("A kitten naps")


def test_what_is_refused_is_said_where_it_was_typed(able: Stack, opened: Opener) -> None:
    page, watch = opened(f"{able.url}/ui/embeddings")
    watch.excuse("400")
    page.get_by_label("Dimensions").fill("many")
    page.get_by_role("button", name="Embed").click()
    expect(page.get_by_label("Dimensions")).to_have_attribute("aria-invalid", "true", timeout=LOADS_MS)
    expect(page.locator("form")).to_contain_text("must be a whole number")
    expect(page.get_by_label("Dimensions")).to_have_value("many")
    page.get_by_label("Dimensions").fill("")
    page.get_by_role("button", name="Embed").click()
    page.get_by_role("heading", name="Similarity map").wait_for(timeout=LOADS_MS)


def test_documents_are_ranked(able: Stack, opened: Opener) -> None:
    page, _ = opened(f"{able.url}/ui/rerank")
    page.get_by_role("textbox", name="Query").fill("Where does the cat sleep?")
    page.get_by_label("Documents, one a line").fill(TEXTS)
    page.get_by_label("At most").fill("2")
    page.get_by_role("button", name="Rank").click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(3, timeout=LOADS_MS)
    asked = {"model": "ranker", "query": "Where does the cat sleep?", "documents": TEXTS.split("\n")[:3], "top_n": 2}
    said = httpx.post(f"{able.url}/v1/rerank", json=asked, timeout=60).json()["results"]
    for row, one in zip(rows.all()[1:], said, strict=True):
        expect(row).to_contain_text(asked["documents"][one["index"]])  # type: ignore[index]
        assert float(row.get_by_role("meter").get_attribute("value") or "") == pytest.approx(one["relevance_score"])


def test_a_text_becomes_tokens_and_a_text_again(able: Stack, opened: Opener) -> None:
    page, _ = opened(f"{able.url}/ui/tokenizer?model=smollm2")
    page.get_by_label("Text", exact=True).fill("Water flows")
    page.get_by_role("button", name="Convert").click()
    tokens = page.get_by_role("list", name="Tokens").get_by_role("listitem")
    tokens.first.wait_for(timeout=LOADS_MS)
    ids = tokens.locator("small").all_inner_texts()
    assert len(ids) >= 2
    expect(page.get_by_text(f"{len(ids)} tokens of a context of")).to_be_visible()
    page.get_by_label("Tokens to text").check()
    page.get_by_label("Token ids").fill(", ".join(ids))
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("region", name="Text", exact=True)).to_contain_text("Water flows", timeout=LOADS_MS)


class TestCompletion:
    """A text that a model goes on with."""

    def test_it_goes_on_in_place_and_is_taken_back(self, able: Stack, opened: Opener) -> None:
        page, _ = opened(f"{able.url}/ui/completion?model=smollm2")
        text = page.get_by_label("Text", exact=True)
        text.fill("One, two, three,")
        page.get_by_text("Parameters", exact=True).click()
        page.get_by_label("Maximum tokens").fill("12")
        page.get_by_label("Temperature").fill("0")
        page.get_by_label("Log probabilities").check()
        text.focus()
        page.keyboard.press("Control+Enter")
        page.get_by_text("12 written").wait_for(timeout=LOADS_MS)
        whole = text.input_value()
        assert whole.startswith("One, two, three,")
        assert "four" in whole
        assert page.locator("mark").inner_text() == whole.removeprefix("One, two, three,")
        expect(page.get_by_text("It ended at the maximum of tokens.")).to_be_visible()

        page.get_by_text("Tokens and their probabilities").click()
        tokens = page.get_by_role("group", name="Tokens of the answer").get_by_role("button")
        expect(tokens).to_have_count(12)
        tokens.nth(1).focus()
        expect(page.get_by_role("table")).to_contain_text("%")
        assert page.get_by_role("row").count() == 5
        assert unfit(page) == []

        text.press("End")
        text.press_sequentially(" by hand")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("mark")).to_have_count(2)
        page.get_by_role("button", name="Continue").wait_for()
        page.reload()
        expect(page.locator("mark")).to_have_count(2)
        assert " by hand" in text.input_value()

    def test_stop_and_taking_back(self, able: Stack, opened: Opener) -> None:
        able.launch_echo("slow", step_ms=50)
        page, _ = opened(f"{able.url}/ui/completion?model=slow")
        text = page.get_by_label("Text", exact=True)
        text.fill("a b c")
        page.get_by_text("Parameters", exact=True).click()
        page.get_by_label("Maximum tokens").fill("2000")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("mark")).to_contain_text("a b")
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped.").wait_for()
        expect(page.get_by_role("button", name="Continue")).to_be_focused()
        assert len(text.input_value()) > len("a b c")
        page.get_by_role("button", name="Undo").click()
        expect(text).to_have_value("a b c")
        expect(page.locator("mark")).to_have_count(0)
        httpx.delete(f"{able.url}/v1/models/slow", timeout=90)

    def test_what_is_refused_is_told_at_its_field(self, able: Stack, opened: Opener) -> None:
        page, watch = opened(f"{able.url}/ui/completion?model=smollm2")
        watch.excuse("400|404")
        page.get_by_text("Parameters", exact=True).click()
        page.get_by_label("Top p").fill("7")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_label("Top p")).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Top p").fill("")
        page.goto(f"{able.url}/ui/completion?model=nobody")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_contain_text("nobody")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
