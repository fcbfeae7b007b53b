"""What models answer with text, sound and pictures looks as it is documented (``api.shapes.answers``)."""

import base64
import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from api.shapes.answers.pictures import DrawnImages, FinishedImage, PartialImage
from api.shapes.answers.sound import (
    SpeechEnd,
    SpeechPiece,
    Transcript,
    TranscriptEnd,
    TranscriptPiece,
    VerboseTranscript,
)
from api.shapes.answers.text import ChatChunk, ChatCompletion, TextChunk, TextCompletion
from models.modalities import chat, completions, images, speech, transcription
from models.modalities.base import Usage
from models.modalities.text import Delta, TokenLogprob, ToolDelta

USAGE = Usage(prompt_tokens=3, completion_tokens=4)
ODDS = (TokenLogprob("a", -0.5, (TokenLogprob("b", -1.0),)), TokenLogprob("�", -0.1, (), b"\xe2"))
DELTAS = [
    Delta("a", logprobs=ODDS),
    Delta(reasoning="hm"),
    Delta(tools=(ToolDelta(0, "call_1", "clock", '{"a"'),)),
    Delta(tools=(ToolDelta(0, "", "", ":1}"),)),
    Delta("", 1, finish="stop"),
    Delta("", finish="tool_calls", prompt_tokens=3),
]
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "a"}], "n": 2}
USED = {"include_usage": True}
RUNNING = USED | {"continuous_usage_stats": True}
FUNCTIONS = {"functions": [{"name": "clock"}]}
SEGMENT = {
    "id": 0,
    "seek": 0,
    "start": 0.0,
    "end": 1.5,
    "text": " a",
    "tokens": [1],
    "temperature": 0.0,
    "avg_logprob": -0.1,
    "compression_ratio": 1.0,
    "no_speech_prob": 0.0,
}
HEARD = {
    "text": "a",
    "language": "en",
    "duration": 1.5,
    "segments": [SEGMENT],
    "words": [{"word": "a", "start": 0.0, "end": 1.0}],
}
DRAWN: dict[str, Any] = {"created": 1, "size": "8x8", "warning": "no", "ignored": ["style"]}


def fits(shape: Any, told: Any) -> Any:
    """What was told, which must be of this shape and have nothing more."""
    return TypeAdapter(shape).validate_json(json.dumps(told), strict=True, extra="forbid")


def events(stream: bytes) -> list[Any]:
    """The data of server-sent events, without ``[DONE]``."""
    lines = [line.removeprefix("data: ") for line in stream.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def whole(modality: Any, body: dict[str, Any], deltas: list[Delta]) -> Any:
    reply = modality.Reply("1", modality.Request.model_validate({"model": "m"} | body), 0)
    sent = reply.start() + b"".join(map(reply.delta, deltas))
    assert sent == b""
    return json.loads(reply.end(USAGE))


def streamed(modality: Any, body: dict[str, Any], deltas: list[Delta]) -> list[Any]:
    reply = modality.Reply("1", modality.Request.model_validate({"model": "m", "stream": True} | body), 0)
    return events(reply.start() + b"".join(map(reply.delta, deltas)) + reply.end(USAGE))


@pytest.mark.parametrize("asked", [{}, {"logprobs": True, "top_logprobs": 1}, {"metadata": {"a": "b"}}, FUNCTIONS])
def test_a_chat_completion(asked: dict[str, Any]) -> None:
    answer = fits(ChatCompletion, whole(chat, CHAT | asked, DELTAS))
    assert len(answer["choices"]) == 2
    assert (answer["choices"][0]["logprobs"] is not None) == ("logprobs" in asked)


@pytest.mark.parametrize("asked", [{}, {"stream_options": USED}, {"stream_options": RUNNING}, FUNCTIONS])
def test_the_chunks_of_a_chat(asked: dict[str, Any]) -> None:
    chunks = [fits(ChatChunk, one) for one in streamed(chat, CHAT | asked, DELTAS)]
    told = [choice["delta"].keys() for chunk in chunks for choice in chunk["choices"]]
    calls = "function_call" if asked == FUNCTIONS else "tool_calls"
    assert {name for names in told for name in names} == {"role", "content", "reasoning_content", calls}


@pytest.mark.parametrize("asked", [{}, {"logprobs": 1}, {"logprobs": 1, "stream_options": RUNNING, "stream": True}])
def test_a_text(asked: dict[str, Any]) -> None:
    deltas = [Delta("a", logprobs=(TokenLogprob("x", None), *ODDS)), Delta("", finish="length")]
    body = {"prompt": "a"} | asked
    if body.pop("stream", False):
        chunks = [fits(TextChunk, one) for one in streamed(completions, body, deltas)]
        assert chunks[0]["choices"][0]["logprobs"]["token_logprobs"] == [None, -0.5, -0.1]
        assert chunks[-1]["choices"] == []
    else:
        answer = fits(TextCompletion, whole(completions, body, deltas))
        assert (answer["choices"][0]["logprobs"] is not None) == ("logprobs" in asked)


def test_speech() -> None:
    stream = speech.Stream(speech.Request(model="m", input="a", stream_format="sse"))
    [piece] = [fits(SpeechPiece, one) for one in events(stream.piece(b"\1\2"))]
    assert base64.b64decode(piece["audio"]) == b"\1\2"
    for body in ({"characters": 1}, {"characters": 1, "unsaid": 1}):
        [end] = [fits(SpeechEnd, one) for one in events(stream.end(body))]
        assert ("warning" in end) == ("unsaid" in body)


@pytest.mark.parametrize("granularities", [[], ["word"], ["word", "segment"]])
def test_a_transcript(granularities: list[str]) -> None:
    asked = {"model": "m", "file": "a", "response_format": "json"}
    fits(Transcript, json.loads(_written(transcription, asked, HEARD)))
    verbose = asked | {"response_format": "verbose_json", "timestamp_granularities": granularities}
    told = fits(VerboseTranscript, json.loads(_written(transcription, verbose, HEARD)))
    assert ("words" in told) == ("word" in granularities)
    assert ("segments" in told) == (granularities != ["word"])


@pytest.mark.parametrize("start", [0.0, None])
def test_the_pieces_of_a_transcript(start: float | None) -> None:
    stream = transcription.Stream(transcription.Request.model_validate({"model": "m", "file": "a"}))
    [piece] = [
        fits(TranscriptPiece, one) for one in events(stream.piece(transcription.HeardPiece("a", start).encode()))
    ]
    assert ("start" in piece) == (start is not None)
    [end] = [fits(TranscriptEnd, one) for one in events(stream.end(HEARD))]
    assert end["usage"] == {"type": "duration", "seconds": 2}


@pytest.mark.parametrize("asked", [{}, {"response_format": "url"}, {"response_format": "b64_json"}])
def test_pictures(asked: dict[str, Any]) -> None:
    body = DRAWN | {"images": [{"artifact": "0.png", "seed": 7, "flagged": True, "info": {}}]}
    told = fits(DrawnImages, json.loads(_written(images, {"model": "m", "prompt": "a"} | asked, body)))
    assert len(told["data"][0]) == (4 if not asked else 3)


@pytest.mark.parametrize("edit", [True, False])
def test_the_events_of_a_picture(edit: bool) -> None:
    stream = images.Stream(images.Request.model_validate({"model": "m", "prompt": "a"}))
    first, last = images.Piece(b"1", "8x8", edit, 0), images.Piece(b"2", "8x8", edit, None, 7, "no", ("style",))
    [told] = [fits(PartialImage, one) for one in events(stream.piece(first.encode()))]
    assert told["partial_image_index"] == 0
    [told] = [fits(FinishedImage, one) for one in events(stream.piece(last.encode()))]
    assert (told["seed"], told["ignored"]) == (7, ["style"])


def _written(modality: Any, asked: dict[str, Any], body: dict[str, Any]) -> bytes:
    request = modality.Request.model_validate(asked)
    content = modality.render(request, body, lambda name: f"http://a/{name}", lambda name: b"x").content
    assert isinstance(content, bytes)
    return content
