"""Inputs of hosted models as bodies of our endpoints, and what hosters' headers ask for."""

from typing import Any

import pytest

from api.edge.envelopes import shape_of
from api.jobs.hosted_wire import endpoint_body, file_ids, said_as, text_of
from api.routes.hosters.replicate import waited
from models.errors import InvalidRequest, ModelNotFound
from models.modalities.media import Answer


@pytest.mark.parametrize(
    ("modality", "given", "kind", "body"),
    [
        ("images", {"num_outputs": 2, "width": 64, "height": 32}, "images.generations", {"n": 2, "size": "64x32"}),
        ("images", {"image_size": "square_hd", "num_images": 1}, "images.generations", {"size": "1024x1024", "n": 1}),
        ("images", {"image_size": {"width": 8, "height": 9}}, "images.generations", {"size": "8x9"}),
        (
            "images",
            {"image_url": "data:x", "mask_url": "data:y", "prompt_strength": 0.5, "output_format": "jpg"},
            "images.edits",
            {"image": "data:x", "mask": "data:y", "strength": 0.5, "output_format": "jpeg"},
        ),
        (
            "videos",
            {"image_url": "data:x", "end_image_url": "data:y", "num_frames": 81},
            "videos.generations",
            {"image": "data:x", "last_image": "data:y", "num_frames": 81},
        ),
        ("speech", {"text": "hi", "speed": 2}, "audio.speech", {"input": "hi", "speed": 2}),
        ("transcription", {"audio_url": "u"}, "audio.transcriptions", {"file": "u"}),
        (
            "chat",
            {"prompt": "p", "system_prompt": "s", "max_new_tokens": 3},
            "chat.completions",
            {
                "max_tokens": 3,
                "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}],
            },
        ),
        ("embeddings", {"text": "t"}, "embeddings", {"input": "t"}),
        ("rerank", {"query": "q", "documents": ["d"]}, "rerank", {"query": "q", "documents": ["d"]}),
    ],
)
def test_an_input_becomes_a_body(modality: str, given: dict[str, Any], kind: str, body: dict[str, Any]) -> None:
    assert endpoint_body((modality, "tokenize"), given) == (kind, body)


@pytest.mark.parametrize(
    ("modality", "given", "param", "said"),
    [
        ("images", {"num_images": "x"}, "n", "input.num_images"),
        ("images", {"n": "x"}, "n", "input.n"),
        ("images", {"image_size": "vast"}, "size", "input.image_size"),
        ("images", {"width": 1, "height": 2}, "size", "input.width"),
        ("videos", {"start_image": "x"}, "image", "input.start_image"),
        ("chat", {"prompt": ""}, "messages[0].content", "input.prompt"),
        ("chat", {"messages": [{}]}, "messages[0].role", "input.messages[0].role"),
    ],
)
def test_an_error_names_what_the_client_wrote(modality: str, given: dict[str, Any], param: str, said: str) -> None:
    error = said_as(InvalidRequest(f"'{param}' is wrong", param=param), (modality,), given, "input.")
    assert (error.param, error.message) == (said, f"'{said}' is wrong")


def test_an_answer_becomes_a_value() -> None:
    said = Answer(b'{"choices":[{"message":{"content":"hi"},"text":"ho"}]}')
    assert text_of("chat.completions", said) == "hi"
    assert text_of("completions", said) == "ho"
    assert text_of("embeddings", Answer(b'{"data":[]}')) == {"data": []}
    assert text_of("audio.transcriptions", Answer(b"1\n", "text/plain")) == "1\n"


def test_prefer_wait() -> None:
    asked = ("", "wait", "wait=5", "respond-async, Wait=7", "wait=900", "waiting", "wait=\xb2")
    assert [waited(one) for one in asked] == [0, 60, 5, 7, 60, 0, 60]


def test_errors_have_their_shapes() -> None:
    error = ModelNotFound("there is none", param="model")
    for path in ("/v1/predictions", "/v1/predictions/x/cancel", "/v1/models/a/b/predictions"):
        body = shape_of(path).body(error, "")
        assert (body["title"], body["detail"], body["status"]) == ("model_not_found", "there is none", 404)
    assert shape_of("/fal/queue/a/b").body(error, "")["detail"] == "there is none"
    assert "error" in shape_of("/v1/models").body(error, "")


def test_files_that_were_uploaded_here_are_named_by_their_ids() -> None:
    given = {"image": "https://here/v1/files/file-a", "more": ["https://here/v1/files/file-b", 5], "n": 2}
    assert file_ids(given, "https://here") == {"image": "file-a", "more": ["file-b", 5], "n": 2}
    assert file_ids(given, "https://there") == given
