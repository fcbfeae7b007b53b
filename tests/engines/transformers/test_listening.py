"""Language models that hear, launched by their folder alone: each writes down what the library makes of a recording."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities.chat.messages import Media
from tests.engines.audio_driver import MediaDriver
from tests.engines.driver import Driver
from tests.families.makers.sound.listeners import LISTENERS, make
from tests.families.residents import launched
from tests.families.seen import network
from tests.support.sounds import encoded
from workers.engines.media.recording import RATE, Recording
from workers.engines.transformers.hearing.clips import clips
from workers.engines.transformers.hearing.text import ClipText, between
from workers.engines.transformers.seeing.processor import open_processor

pytestmark = pytest.mark.weights

TOKENS = 12
INSTRUCTIONS = {
    "glm_asr": "Please transcribe this audio into text",
    **dict.fromkeys(
        ("qwen2_audio", "qwen2_5_omni", "gemma3n", "phi4_multimodal"),
        "Transcribe the speech into text, word for word, and write nothing else.",
    ),
}
PARTED = pytest.mark.parametrize(
    "name", ["qwen3_asr", *(pytest.param(one, marks=pytest.mark.families) for one in LISTENERS if one != "qwen3_asr")]
)


def noise(seconds: float, seed: int = 1) -> Any:
    """A sound that is the same each time."""
    return (np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * 0.1).astype(np.float32)


def recorded(folder: Path, sound: Any, name: str = "sound.wav") -> Path:
    """A file of it, without loss."""
    path = folder / name
    path.write_bytes(encoded(sound, "wav", "pcm_f32le"))
    return path


class Library:
    """transformers alone, asked by the processor's own way of asking where it has one."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        config = make.AutoConfig.from_pretrained(folder)
        self.processor = open_processor(folder, config)
        self.model = network(folder)

    def asked(self, sound: Any, language: str | None, prompt: str | None) -> Any:
        """The inputs of the model."""
        ask = getattr(self.processor, "apply_transcription_request", None)
        match self.name:
            case "qwen3_asr":
                return ask(sound, language=language, prompt=prompt, return_tensors="pt")  # type: ignore[misc]
            case "voxtral":
                return self._of_mistral(sound, language)
        told = f"The language of the speech is {language}." if language else None
        words = "\n".join(one for one in (INSTRUCTIONS[self.name], told, prompt) if one)
        if ask is not None:
            return ask(sound, prompt=words, return_tensors="pt")
        content = [{"type": "audio", "audio": sound}, {"type": "text", "text": words}]
        how = {"tokenize": True, "return_dict": True, "return_tensors": "pt", "add_generation_prompt": True}
        return self.processor.apply_chat_template([{"role": "user", "content": content}], **how)

    def _of_mistral(self, sound: Any, language: str | None) -> Any:
        """As mistral-common 1.13 writes it: <s> [INST] [BEGIN_AUDIO] [AUDIO]... [/INST] lang:en [TRANSCRIBE]."""
        settings = self.processor._merge_kwargs()["audio_kwargs"]
        heard = self.processor._retrieve_input_features([sound], settings.pop("max_source_positions"), **settings)
        code = {"French": "fr"}.get(language or "")
        letters = [40 + one for one in f"lang:{code}".encode()] if code else []
        ids = [1, 3, 25, *[24] * 375 * heard.shape[0], 4, *letters, 34]
        return {"input_ids": torch.tensor([ids]), "input_features": heard}

    def text(self, sound: Any, language: str | None = None, prompt: str | None = None) -> str:
        """What it writes, greedily."""
        inputs = dict(self.asked(sound, language, prompt))
        begun = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            made = self.model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        text: str = self.processor.tokenizer.decode(made[0, begun:], skip_special_tokens=True)
        return whole(text)


def whole(text: str) -> str:
    """Without the beginning of a character that is cut off at the end, which we hold back."""
    return text.strip().rstrip("\ufffd").strip()


@PARTED
async def test_it_writes_what_the_library_writes(name: str, tmp_path: Path) -> None:
    await asyncio.to_thread(LISTENERS[name], tmp_path)
    library = await asyncio.to_thread(Library, name, tmp_path)
    sounds = [noise(3.2), noise(7.5, 2), noise(0.4, 3)]
    files = [recorded(tmp_path, one, f"{number}.wav") for number, one in enumerate(sounds)]
    right = [library.text(one) for one in sounds]
    assert len({*right}) == len(right), "what is heard makes a difference"
    async with launched(tmp_path, n_threads=1) as driver:
        hearing = MediaDriver("transcription", driver.engine)
        assert "transcription" in driver.engine.modalities()
        assert [whole((await hearing.ask(one, max_new_tokens=TOKENS)).text) for one in files] == right
        jobs = await asyncio.gather(*(hearing.ask(one, max_new_tokens=TOKENS, stream=True) for one in files * 2))
        assert [whole(job.text) for job in jobs] == right * 2
        french = await hearing.ask(files[0], max_new_tokens=TOKENS, language="fr")
        assert whole(french.text) == library.text(sounds[0], "French") != right[0]
        assert french.body["language"] == "fr"
        if name == "voxtral":
            assert "input_audio" not in driver.engine.honours, "its folder has no chat template"
            with pytest.raises(UnsupportedParameter, match="'prompt' is not supported"):
                driver.engine.check(request(prompt="names"))
        else:
            assert "input_audio" in driver.engine.honours
            told = await hearing.ask(files[0], max_new_tokens=TOKENS, prompt="A white star", keywords=["square"])
            assert whole(told.text) == library.text(sounds[0], None, "A white star\nsquare") != right[0]
        await _long_ones(library, hearing, tmp_path)


async def _long_ones(library: Library, hearing: MediaDriver, folder: Path) -> None:
    """A recording of several clips, with a pause in it of which nothing is made."""
    sound = np.concatenate([noise(31, 5), np.zeros(65 * RATE, np.float32), noise(20, 6)])
    path = recorded(folder, sound, "long.wav")
    found = list(cut(path, 30))
    parts = [one for one in found if not one.silent]
    assert len(parts) < len(found)
    assert len(parts) > 2
    assert all(len(one.sound) <= 30 * RATE for one in parts)
    texts = [library.text(one.sound) for one in parts]
    job = await hearing.ask(path, max_new_tokens=TOKENS)
    assert [whole(one) for one in job.text.split()] == [whole(one) for text in texts for one in text.split()]
    assert {(one.start, one.end) for one in job.heard} == {(round(p.start_s, 3), round(p.end_s, 3)) for p in parts}
    assert job.body["duration"] == pytest.approx(116)
    assert job.steps[-1] == pytest.approx((116, 116), abs=0.01)
    assert len(job.warnings) == len(parts), "each was cut at so few tokens"


def request(**fields: Any) -> Any:
    """A request for a transcription."""
    from models.modalities.transcription import Request

    return Request.model_validate({"model": "tested"} | fields)


def cut(path: Path, most_s: float) -> Iterator[Any]:
    """The clips of a file."""
    with Recording(path, 1000) as recording:
        yield from clips(recording.parts(), most_s)


async def test_it_refuses_what_it_cannot_tell(tmp_path: Path) -> None:
    await asyncio.to_thread(LISTENERS["qwen3_asr"], tmp_path)
    path = recorded(tmp_path, noise(5))
    async with launched(tmp_path, n_threads=1, n_ctx=64) as driver:
        hearing = MediaDriver("transcription", driver.engine)
        for fields, param in (
            ({"response_format": "srt"}, "response_format"),
            ({"response_format": "verbose_json", "timestamp_granularities": ["word"]}, "response_format"),
            ({"translate": True}, "model"),  # translations have an endpoint of their own, and no such field
            ({"beam_size": 4}, "beam_size"),
            ({"chunking_strategy": {"type": "server_vad"}}, "chunking_strategy"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                driver.engine.check(request(**fields))
            assert refused.value.param == param
        driver.engine.check(request(chunking_strategy="auto", temperature=0.2))

        unknown = await hearing.ask(path, language="bo")
        assert isinstance(unknown.error, InvalidRequest)
        assert unknown.error.param == "language"
        short = await hearing.ask(path)
        assert "maximum context length is 64 tokens, and a clip of 5 s has" in str(short.error)
        nothing = await hearing.ask(recorded(tmp_path, np.zeros(RATE, np.float32), "nothing.wav"))
        assert nothing.body == {"text": "", "language": None, "duration": pytest.approx(1)}
        broken = tmp_path / "broken.wav"
        broken.write_bytes(b"nothing")
        assert "cannot be read as sound" in str((await hearing.ask(broken)).error)


async def test_hanging_up_ends_it(tmp_path: Path) -> None:
    await asyncio.to_thread(LISTENERS["qwen3_asr"], tmp_path)
    path = recorded(tmp_path, noise(40))
    async with launched(tmp_path, n_threads=1, n_ctx=2048) as driver:
        hearing = MediaDriver("transcription", driver.engine)
        job = hearing.submit(path)
        while not job.pieces:
            await asyncio.sleep(0.01)
        hearing.abort(job)
        assert driver.engine.counters()["aborts"] == 1
        again = await hearing.ask(path, max_new_tokens=3)
        assert again.text
        assert not job.over.is_set()


async def test_a_recording_that_is_too_long_for_a_message_is_refused(tmp_path: Path) -> None:
    """The library would hear its beginning alone, and say nothing."""
    await asyncio.to_thread(LISTENERS["qwen2_audio"], tmp_path)
    async with launched(tmp_path, n_threads=1) as driver:
        ask = Driver("transformers", driver.engine)
        refused = await ask.refused("chat", **_message(30.5))
        assert "the most is 30" in str(refused)
        assert (await ask.ask("chat", **_message(30.0))).usage


def _message(seconds: float) -> dict[str, Any]:
    data = encoded(noise(seconds), "wav", "pcm_s16le")
    part = {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,AAAA"}}
    media = [Media("audio", "audio/wav", data)]
    return {"messages": [{"role": "user", "content": [part]}], "media": media, "max_tokens": 2}


async def test_qwen3_asr_in_its_makers_layout_is_refused(tmp_path: Path) -> None:
    await asyncio.to_thread(LISTENERS["qwen3_asr"], tmp_path)
    told = json.loads((tmp_path / "config.json").read_text())
    parts = {name: told.pop(name) for name in ("audio_config", "text_config")}
    (tmp_path / "config.json").write_text(json.dumps(told | {"thinker_config": parts}))
    with pytest.raises(InvalidRequest, match="whose name ends in '-hf'"):
        async with launched(tmp_path, n_threads=1):
            pass


async def test_a_model_that_hears_nothing_transcribes_nothing(tmp_path: Path) -> None:
    from tests.families.makers.seeing.layouts import LAYOUTS

    await asyncio.to_thread(LAYOUTS["idefics3"], tmp_path)
    async with launched(tmp_path, n_threads=1) as driver:
        assert "transcription" not in driver.engine.modalities()
        with pytest.raises(InvalidRequest, match="does not serve transcription"):
            driver.engine.check(request())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("written", "text", "language"),
    [
        ("language English<asr_text> Hello, you. ", "Hello, you.", "en"),
        ("language None<asr_text>", "", None),
        ("language Chinese<asr_text>你好", "你好", "zh"),
        ("Just  words.\n", "Just  words.", None),
        ("language is what we speak", "language is what we speak", None),
        ("language is what we speak, and we speak it at such a length that nobody waits", None, None),
        (" lang", "lang", None),
    ],
)
def test_the_language_before_a_text_is_taken_off(
    written: str, text: str | None, language: str | None, size: int
) -> None:
    heard = ClipText(language_first=True)
    pieces = [heard.feed(written[at : at + size]) for at in range(0, len(written), size)]
    pieces.append(heard.end())
    assert "".join(pieces) == heard.text == (written if text is None else text)
    assert heard.language == language


def test_texts_are_joined_as_their_script_is_written() -> None:
    assert [between("", "a"), between("a", "b"), between("你", "好"), between("ก", "a"), between("한", "국")] == [
        *("", " ", "", "", " ")
    ]


def test_clips_are_cut_where_it_is_quiet() -> None:
    sound = noise(50)
    sound[26 * RATE : 27 * RATE] = 0
    found = list(clips(iter(np.split(sound, 10)), 30))
    assert 26 <= found[0].end_s <= 27
    assert found[1].start_s == found[0].end_s
    assert sum(len(one.sound) for one in found) == len(sound)
    assert [one.silent for one in found] == [False, False]
