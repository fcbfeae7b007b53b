"""The pages of the catalogue: what is searched and filtered, and one model in full."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from models.engines import MODEL_TYPES
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack
from tests.e2e.ui.conftest import Opener
from tests.e2e.ui.looks import LOCALES, look

pytestmark = pytest.mark.e2e

LAGS = """
new PerformanceObserver(list => { for (const one of list.getEntries()) lags.push(one.duration) })
    .observe({entryTypes: ["longtask"]}); window.lags = [];
"""
MOST_LAG_MS = 250
"""Longest that a letter may wait for the list, on a machine that is busy."""


def cards(page: Page) -> list[str]:
    """The names of the models that are shown."""
    return page.get_by_role("main").get_by_role("listitem").get_by_role("heading", level=2).all_inner_texts()


@pytest.mark.parametrize("path", ["catalogue", "catalogue/qwen3?type=LLM", "catalogue?q=nothing-is-called-so"])
@pytest.mark.parametrize("locale", LOCALES)
def test_it_can_be_read_by_all(stack: Stack, opened: Opener, path: str, locale: str) -> None:
    page, _ = opened(f"{stack.url}/ui/{path}", locale=locale)
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("status").wait_for(state="detached")
    look(page, re.sub(r"\W+", "-", path), locale)


def test_what_is_searched_and_filtered_is_in_the_address(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/")
    page.get_by_role("link", name="Catalogue", exact=True).click()
    page.get_by_text(re.compile(r"^\d{4} of \d{4} models$")).wait_for()
    assert len(cards(page)) == 48
    page.get_by_role("button", name=re.compile("Show more")).click()
    expect(page).to_have_url(f"{stack.url}/ui/catalogue?pages=2")
    page.get_by_label("Search by name").fill("smollm2")
    expect(page).to_have_url(f"{stack.url}/ui/catalogue?q=smollm2")
    expect(page.get_by_text(re.compile(r"^\d of \d{4} models$"))).to_be_visible()
    assert cards(page)[0] == "smollm2", "what is here and fits comes first"
    page.get_by_label("On this machine already").check()
    expect(page.get_by_text(re.compile("^1 of"))).to_be_visible()
    page.get_by_label("Type").select_option("Image")
    page.get_by_text("No model is like that.").wait_for()
    page.reload()
    expect(page.get_by_label("Search by name")).to_have_value("smollm2")
    expect(page.get_by_label("On this machine already")).to_be_checked()
    page.get_by_role("button", name="Show all").last.click()
    expect(page.get_by_label("Search by name")).to_have_value("")
    expect(page).to_have_url(f"{stack.url}/ui/catalogue")
    page.get_by_label("Ability").select_option("transcription")
    page.get_by_label("Engine").select_option("faster_whisper")
    page.get_by_label("Fits this machine").check()
    expect(page).to_have_url(re.compile(r"\?ability=audio2text&engine=faster_whisper&fits=true$"))
    assert all("whisper" in name for name in cards(page))


def test_favourites_stay_in_this_browser(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/catalogue?favourites=true")
    page.get_by_text("No favourite is like that.").wait_for()
    page.get_by_role("button", name="Show all").last.click()
    star = page.get_by_role("button", name="Favourite: hibari")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.goto(f"{stack.url}/ui/catalogue?favourites=true")
    expect(page.get_by_text(re.compile("^1 of"))).to_be_visible()
    assert cards(page) == ["hibari"]
    page.get_by_role("button", name="Favourite: hibari").click()
    page.get_by_text("No favourite is like that.").wait_for()


def test_typing_stays_fluent(stack: Stack, opened: Opener) -> None:
    worst = [_lag_of_typing(opened(f"{stack.url}/ui/catalogue?pages=100")[0])]
    while min(worst) >= MOST_LAG_MS and len(worst) < 3:  # another program may have had the processor
        worst.append(_lag_of_typing(opened(f"{stack.url}/ui/catalogue?pages=100")[0]))
    assert min(worst) < MOST_LAG_MS, worst


def _lag_of_typing(page: Page) -> float:
    """The longest that a letter waits for a list of all models, in ms."""
    page.get_by_text(re.compile(r"of \d{4} models$")).wait_for()
    expect(page.get_by_role("button", name=re.compile("Show more"))).to_have_count(0)
    box = page.get_by_label("Search by name")
    box.focus()
    page.evaluate(LAGS)
    for letter in "qwen":
        page.keyboard.type(letter)
    expect(box).to_have_value("qwen")
    expect(page).to_have_url(re.compile("q=qwen$"))
    return float(max(page.evaluate("lags"), default=0))


def test_a_card_opens_all_of_a_model(stack: Stack, opened: Opener) -> None:
    page, _ = opened(f"{stack.url}/ui/catalogue?q=qwen3&type=LLM")
    page.get_by_role("link", name="qwen3", exact=True).click()
    expect(page).to_have_url(f"{stack.url}/ui/catalogue/qwen3?type=LLM")
    expect(page.get_by_role("heading", level=1)).to_have_text("qwen3")
    page.get_by_text("apache-2.0").wait_for()
    rows = page.get_by_role("row")
    assert rows.count() == 21  # with the names of the columns
    page.get_by_role("button", name="Show all").click()
    all_of_it = rows.count()
    assert all_of_it > 100
    page.get_by_label("Size", exact=True).select_option("600M")
    small = rows.filter(has_text="Q8_0")
    expect(small).to_have_count(1)
    expect(small).to_contain_text("llama_cpp")
    expect(small).to_contain_text(re.compile(r"≈ \d+ MiB"))
    expect(small).to_contain_text("Fits on")
    small.get_by_role("button", name="Launch qwen3 600M ggufv2 Q8_0").wait_for()
    page.get_by_label("Size", exact=True).select_option("235B")
    expect(rows.filter(has_text="Too large").first).to_contain_text("GiB in all")
    assert page.get_by_role("button", name=re.compile("Launch qwen3 235B pytorch")).count() == 0
    page.get_by_label("Fits this machine").check()
    expect(page).to_have_url(re.compile(r"size=235&fits=true$"))
    page.get_by_label("Size", exact=True).select_option("All")
    expect(rows.filter(has_text="Too large")).to_have_count(0)
    assert 1 < rows.count() < all_of_it
    page.get_by_role("link", name="All models of the catalogue").click()
    expect(page).to_have_url(f"{stack.url}/ui/catalogue")


def test_a_model_that_is_not_there_names_the_nearest(stack: Stack, opened: Opener) -> None:
    page, watch = opened(f"{stack.url}/ui/catalogue/qwen3-instrukt")
    watch.excuse("404")
    expect(page.get_by_role("alert")).to_contain_text("the nearest are")
    page.get_by_role("link", name="All models of the catalogue").click()
    page.get_by_text(re.compile(r"of \d{4} models$")).wait_for()


def test_it_says_when_the_server_is_away(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_API_KEY="user", HEADRACE_ADMIN_KEY="root")
    page, watch = opened(f"{stack.url}/ui/catalogue/smollm2")
    watch.excuse("401|ERR_|failed")
    page.get_by_label("API key").fill("user")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").filter(has_text="Q4_1")).to_contain_text("On this machine")
    assert page.get_by_role("main").get_by_role("link", name=re.compile("Launch")).count() == 0, (
        "an administrator alone launches"
    )
    page.context.route("**/v1/catalogue", lambda route: route.abort())
    page.get_by_role("link", name="All models of the catalogue").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    page.context.unroute("**/v1/catalogue")
    alert.get_by_role("button", name="Try again").click()
    page.get_by_text(re.compile(r"of \d{4} models$")).wait_for()


def test_a_newer_catalogue_is_taken_and_given_up_in_the_page(
    new_stack: StackFactory, opened: Opener, tmp_path: Path
) -> None:
    stack, file = new_stack(HEADRACE_OFFLINE="1"), tmp_path / "newer.jsonl"
    spec = {"format": "ct2", "hf": {"repo": "a/b"}}
    file.write_text("\n".join(json.dumps({"name": f"new-{one}", "type": one, "specs": [spec]}) for one in MODEL_TYPES))
    page, watch = opened(f"{stack.url}/ui/catalogue")
    watch.excuse("400")
    page.get_by_role("button", name="Update…").click()
    box = page.get_by_role("region", name="The catalogue in use")
    expect(box).to_contain_text("as it comes with Headrace")
    place = box.get_by_label("Where a newer catalogue is")
    place.fill("https://example.com/newer.jsonl")
    box.get_by_role("button", name="Update", exact=True).click()
    expect(box.get_by_role("alert")).to_contain_text("HEADRACE_OFFLINE is set")
    expect(place).to_have_value("https://example.com/newer.jsonl")
    place.fill(str(file))
    box.get_by_role("button", name="Update", exact=True).click()
    expect(box).to_contain_text("It has 6 models now.")
    expect(box.get_by_text(re.compile("^Removed: 1,\\d{3}$"))).to_be_visible()
    expect(box.get_by_text("new-LLM, new-audio")).to_be_visible()
    expect(box).to_contain_text("a newer one")
    page.get_by_text(re.compile(r"^1\d of 1\d models$")).wait_for()
    for locale in LOCALES:
        shown, _ = opened(f"{stack.url}/ui/catalogue", locale=locale)
        shown.get_by_role("button", name=re.compile("Update…|更新…")).click()
        shown.get_by_text(re.compile("a newer one|更新的版本")).wait_for()
        look(shown, "catalogue-update", locale)
        shown.close()
    box.get_by_role("button", name="Go back").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Go back").click()
    expect(box).to_contain_text("as it comes with Headrace")
    expect(box.get_by_text("Added: 1,")).to_be_visible()


def test_a_card_leads_to_the_launch_of_its_model_and_says_how_it_was_described(
    new_stack: StackFactory, opened: Opener
) -> None:
    stack = new_stack(HEADRACE_OFFLINE="1")
    entry: dict[str, Any] = {
        "model_name": "mine",
        "model_ability": ["chat"],
        "model_description": "Ours, for tickets. " * 30,
    }
    entry["model_specs"] = [{"model_format": "pytorch", "model_size_in_billions": 1, "model_id": "a/b"}]
    body = {"model": json.dumps({**entry, "version": 2, "context_length": 2048}), "persist": True}
    answer = httpx.post(f"{stack.url}/v1/model_registrations/LLM", json=body)
    assert answer.status_code == 200, answer.text
    page, _ = opened(f"{stack.url}/ui/catalogue?q=mine&type=LLM")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="mine", exact=True))
    expect(card).to_contain_text("Ours, for tickets.")
    page.goto(f"{stack.url}/ui/catalogue?q=smollm2")
    page.get_by_role("link", name="Launch smollm2 with options", exact=True).click()
    expect(page).to_have_url(re.compile(r"/ui/launch\?name=smollm2&type=LLM"))


@pytest.mark.weights
def test_weights_are_launched_from_their_line(new_stack: StackFactory, opened: Opener) -> None:
    stack = new_stack(HEADRACE_OFFLINE="1")
    page, watch = opened(f"{stack.url}/ui/catalogue/smollm2")
    watch.excuse("409")
    launch = page.get_by_role("button", name="Launch smollm2").first  # what runs here is first
    launch.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/models/smollm2")
    expect(page.get_by_text("ready", exact=True).first).to_be_visible(timeout=90_000)
    page.go_back()
    launch.click()  # it is there already, so the server refuses it by this name
    page.get_by_role("alert").wait_for()
