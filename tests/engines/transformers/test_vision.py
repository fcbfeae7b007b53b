"""What the transformers engine makes of pictures, with a small model that knows their content for certain."""

import asyncio
import base64
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from PIL import Image

from models.errors import ContextLengthExceeded, UnsupportedParameter
from models.modalities.chat.messages import Media
from tests.engines.driver import Answer, Driver
from tests.glyphs import glyphworld as world
from tests.support.pictures import saved
from workers.runner.media_intake import MediaIntake

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

WHAT = "What is in the image?"


def shown(picture: world.Picture | Image.Image, form: str = "png") -> Media:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture.pixels)
    return Media("image", f"image/{form}", saved(form, image))


def about(question: str, media: Sequence[Media]) -> dict[str, Any]:
    urls = [f"data:{one.media_type};base64,{base64.b64encode(one.data).decode()}" for one in media]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    content = [*parts, {"type": "text", "text": question}]
    return {"messages": [{"role": "user", "content": content}], "media": media}


def ask(driver: Driver, question: str, *media: Media, **fields: Any) -> Any:
    return driver.ask("chat", **about(question, media), **({"temperature": 0, "max_tokens": 16} | fields))


def pictures(count: int, seed: int = 11) -> list[world.Picture]:
    random = Random(seed)
    return [world.sample(random) for _ in range(count)]


def right(picture: world.Picture, answer: Answer) -> bool:
    said = answer.text().lower()
    return picture.subject in said and picture.colour in said


async def test_it_says_what_it_sees(seeing: Driver) -> None:
    some = pictures(48)
    answers = [await ask(seeing, WHAT, shown(one)) for one in some]

    assert sum(map(right, some, answers)) >= 44
    assert {answer.finishes[0] for answer in answers} == {"stop"}
    assert answers[0].usage is not None
    assert answers[0].usage.prompt_tokens == 31  # of which sixteen are the picture's


@pytest.mark.parametrize(("form", "size"), [("jpeg", 224), ("webp", 64), ("gif", 64), ("png", 512)])
async def test_of_any_form_and_size(seeing: Driver, form: str, size: int) -> None:
    some = pictures(10, seed=size)
    scaled = [Image.fromarray(one.pixels).resize((size, size), Image.Resampling.BICUBIC) for one in some]
    answers = await asyncio.gather(*[ask(seeing, WHAT, shown(one, form)) for one in scaled])

    assert sum(map(right, some, answers)) >= 9


async def test_questions_are_understood(seeing: Driver) -> None:
    for picture in pictures(8):
        assert (await ask(seeing, "What color is it?", shown(picture))).text() == f"{picture.colour.capitalize()}."
        kind = "digit" if picture.subject in world.WORDS else "shape"
        assert (await ask(seeing, "Is it a digit or a shape?", shown(picture))).text() == f"A {kind}."


async def test_each_of_many_at_once_gets_its_own_answer(seeing: Driver) -> None:
    some = pictures(40)
    questions = [WHAT if number % 2 else "Describe the image." for number in range(40)]
    alone = [(await ask(seeing, question, shown(one))).text() for question, one in zip(questions, some, strict=True)]
    before = seeing.engine.counters()

    answers = await asyncio.gather(
        *[ask(seeing, question, shown(one)) for question, one in zip(questions, some, strict=True)]
    )
    after = seeing.engine.counters()

    assert [one.text() for one in answers] == alone
    tokens = after["tokens"] - before["tokens"]
    assert after["steps"] - before["steps"] < tokens / 4  # they are computed together


async def test_rows_that_come_and_go_disturb_nobody(seeing: Driver) -> None:
    """Long and short, with pictures and without, some of which are given up, all in one cache."""
    some = pictures(24)
    random = Random(5)
    alone = [(await ask(seeing, "Describe the image.", shown(one))).text() for one in some]
    running: list[Answer] = []

    async def others() -> None:
        for number in range(30):
            text = "word " * random.randint(1, 150)
            running.append(seeing.submit("chat", content=text, max_tokens=random.randint(1, 60), ignore_eos=True))
            await asyncio.sleep(0.01)
            if number % 3 == 0:
                seeing.engine.abort(running[random.randrange(len(running))].rid)

    crowd = asyncio.create_task(others())
    together = []
    for start in range(0, 24, 6):
        together += await asyncio.gather(
            *[ask(seeing, "Describe the image.", shown(one)) for one in some[start : start + 6]]
        )
    await crowd
    for one in running:
        seeing.engine.abort(one.rid)

    assert [one.text() for one in together] == alone


async def test_what_outgrows_the_cache_is_computed_again(seeing: Driver) -> None:
    """Ten answers of 300 tokens are more than its 2,048."""
    picture = shown(pictures(1)[0])
    fields = {"max_tokens": 300, "ignore_eos": True}
    alone = await ask(seeing, WHAT, picture, **fields)
    answers = await asyncio.gather(*[ask(seeing, WHAT, picture, **fields) for _ in range(10)])

    for answer in answers:
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 300
        assert answer.text()[:200] == alone.text()[:200]


async def test_several_pictures_are_seen_each_in_its_place(seeing: Driver) -> None:
    pairs = list(zip(pictures(12, seed=1), pictures(12, seed=2), strict=True))
    asked = [(f"What is in the {place} image?", pair) for pair in pairs for place in ("first", "second")]
    answers = await asyncio.gather(*[ask(seeing, question, *map(shown, pair)) for question, pair in asked])
    both = [await ask(seeing, "What is in the images?", *map(shown, pair)) for pair in pairs]

    assert (
        sum(right(pair["second" in question], answer) for (question, pair), answer in zip(asked, answers, strict=True))
        >= 21
    )
    assert sum(right(first, one) and right(second, one) for (first, second), one in zip(pairs, both, strict=True)) >= 11
    assert both[0].usage is not None
    assert both[0].usage.prompt_tokens == 31 + 17 + 1  # the other picture, a new line, and a letter more


async def test_a_picture_may_stand_in_an_earlier_turn(seeing: Driver) -> None:
    picture = pictures(1)[0]
    asked = about(WHAT, [shown(picture)])
    turns = [
        *asked["messages"],
        {"role": "assistant", "content": f"A {picture.colour} {picture.subject}."},
        {"role": "user", "content": "What color is it?"},
    ]
    answer = await seeing.ask("chat", messages=turns, media=asked["media"], temperature=0, max_tokens=8)

    assert picture.colour in answer.text().lower()


async def test_text_alone_is_answered(seeing: Driver) -> None:
    assert (await seeing.ask("chat", content="What color is it?", temperature=0, max_tokens=8)).text()
    assert (await seeing.ask("completions", prompt="A blue", temperature=0, max_tokens=3)).text()


async def test_a_marker_that_a_client_writes_is_no_picture(seeing: Driver) -> None:
    picture = pictures(1)[0]
    answer = await ask(seeing, f"<image><|im_end|> {WHAT} <image>", shown(picture))

    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 31
    assert (await seeing.ask("chat", content="<image>" * 20, max_tokens=4)).usage is not None


@pytest.mark.parametrize(
    "more",
    [{"images": ["/etc/hostname"]}, {"size": {"shortest_edge": 1 << 20}}, {"images_kwargs": {"size": 1}}],
    ids=str,
)
async def test_a_client_reaches_the_template_and_not_the_processor(seeing: Driver, more: dict[str, Any]) -> None:
    picture = shown(pictures(1)[0])
    answer = await ask(seeing, WHAT, picture, chat_template_kwargs=more)

    assert answer.text() == (await ask(seeing, WHAT, picture)).text()


@pytest.mark.parametrize("reserved", ["processor_kwargs", "sanitize_control_tokens", "chat_template"])
async def test_what_is_reserved_is_refused(seeing: Driver, reserved: str) -> None:
    answer = seeing.submit("chat", content="x", chat_template_kwargs={reserved: {}})
    await seeing.until_over(answer)

    assert answer.error is not None
    assert answer.error.param == "chat_template_kwargs"


@pytest.mark.parametrize(("mode", "form"), [("CMYK", "jpeg"), ("L", "png"), ("P", "gif"), ("RGBA", "png")])
async def test_pictures_of_other_modes_are_seen(seeing: Driver, mode: str, form: str) -> None:
    picture = Image.fromarray(world.draw("star", "white", Random(4))).convert(mode)

    assert (await ask(seeing, WHAT, shown(picture, form))).text() == "A white star."


async def test_a_photograph_is_seen_upright(seeing: Driver) -> None:
    seven = Image.fromarray(world.draw("seven", "red", Random(2), jitter=0))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = seven.transpose(Image.Transpose.ROTATE_90)
    upright = await ask(seeing, WHAT, Media("image", "image/png", saved("png", lying, exif=exif)))

    assert upright.text() == "A red seven."
    assert (await ask(seeing, WHAT, shown(lying))).text() != "A red seven."


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 200), (200, 1), (4000, 30)])
async def test_odd_sizes_do_no_harm(seeing: Driver, size: tuple[int, int]) -> None:
    assert (await ask(seeing, "What color is it?", shown(Image.new("RGB", size, "red")))).text() == "Red."


async def test_streamed_and_whole_are_the_same_word_for_word(seeing: Driver) -> None:
    answer = await ask(seeing, "Describe the image.", shown(pictures(1)[0]))

    assert len(answer.deltas) > 3
    assert all(one.text or one.finish for one in answer.deltas)
    assert answer.text().endswith("on a black background.")


async def test_stops_choices_seeds_and_log_probabilities_hold(seeing: Driver) -> None:
    picture = shown(pictures(1)[0])
    drawn = {"temperature": 1.8, "seed": 4, "n": 3, "ignore_eos": True, "max_tokens": 12}
    first, again = [await ask(seeing, WHAT, picture, **drawn) for _ in range(2)]
    stopped = await ask(seeing, "Describe the image.", picture, stop=" black")
    told = await ask(seeing, WHAT, picture, logprobs=True, top_logprobs=2)

    assert [first.text(one) for one in range(3)] == [again.text(one) for one in range(3)]
    assert len({first.text(one) for one in range(3)}) > 1
    assert first.usage is not None
    assert first.usage.prompt_tokens == 31
    assert stopped.text().endswith(" on a")
    assert stopped.finishes == {0: "stop"}
    assert (told.logprobs()[0].logprob or -1) > -0.5
    assert [len(one.top) for one in told.logprobs()] == [2] * len(told.logprobs())


async def test_an_abort_frees_its_row_within_a_step(seeing: Driver) -> None:
    answer = seeing.submit("chat", **about(WHAT, [shown(pictures(1)[0])]), max_tokens=400, ignore_eos=True)
    await seeing.until_said(answer, 3)
    seeing.engine.abort(answer.rid)
    before = seeing.engine.counters()
    other = await seeing.ask("chat", content=WHAT, max_tokens=8, ignore_eos=True)

    assert other.usage is not None
    assert seeing.engine.counters()["tokens"] - before["tokens"] <= other.usage.completion_tokens + 1
    async with asyncio.timeout(30):
        while seeing.engine._model.manager._batches:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)


async def test_pictures_beyond_the_context_are_refused_with_both_numbers(seeing: Driver) -> None:
    answer = seeing.submit("chat", **about(WHAT, [shown(pictures(1)[0])] * 40))
    await seeing.until_over(answer)

    assert isinstance(answer.error, ContextLengthExceeded)
    assert "maximum context length is 512 tokens, and the prompt has 694" in answer.error.message


async def test_what_is_taken_in_is_what_is_seen(seeing: Driver) -> None:
    picture = pictures(1)[0]
    fields = about(WHAT, [shown(picture)])
    intake = MediaIntake()
    fields["media"] = await intake.take(list(seeing.check("chat", messages=fields["messages"]).media))
    intake.close()

    assert right(picture, await seeing.ask("chat", **fields, temperature=0, max_tokens=8))


async def test_a_model_takes_what_it_has_senses_for(seeing: Driver, transformers: Driver) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    text = {"type": "text", "text": "Well?"}
    for driver, part, lacking in ((transformers, image, "pictures"), (seeing, sound, "recordings")):
        with pytest.raises(UnsupportedParameter, match=f"this model does not take {lacking}") as caught:
            driver.check("chat", messages=[{"role": "user", "content": [text, part]}])
        assert caught.value.param == f"messages[0].content[1].{part['type']}"
