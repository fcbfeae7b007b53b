"""An engine's findings about a picture or recording, named by its place in the body that the client wrote."""

from models.errors import InvalidRequest
from models.modalities import messages, responses

PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def test_a_wrong_picture_of_a_message_is_named_by_its_place() -> None:
    """Also where its turn was joined to the one before, or it came in a result or a document."""
    document = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}, PIXEL]}}
    used = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "this"}, PIXEL]}
    turns = [
        {"role": "user", "content": "Look:"},
        {"role": "user", "content": [document, PIXEL]},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result, {"type": "text", "text": "and"}, PIXEL]},
    ]
    request = messages.Request.model_validate({"model": "m", "max_tokens": 9, "messages": turns})
    places = [place for place, _ in request.inner().media]
    errors = [request.outward(InvalidRequest(f"'{place}' is no picture", param=place)) for place in places]
    expected = [
        "messages[1].content[0].source.content[1].source",
        "messages[1].content[1].source",
        "messages[3].content[0].content[1].source",
        "messages[3].content[2].source",
    ]
    assert [(one.param, one.message) for one in errors] == [(one, f"'{one}' is no picture") for one in expected]


def test_a_wrong_picture_of_a_response_is_named_by_its_place() -> None:
    shown = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    called = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    answered = {"type": "function_call_output", "call_id": "c", "output": [shown]}
    said = {"role": "user", "content": [{"type": "input_text", "text": "x"}, shown, sound]}
    body = {"model": "m", "previous_response_id": f"resp_{'0' * 24}", "input": [said, called, answered]}
    asked = responses.Request.model_validate(body | {"earlier": [{"role": "user", "content": [shown]}]})
    errors = [asked.outward(InvalidRequest("what is it", param=place)) for place, _ in asked.inner().media]
    assert [one.param for one in errors] == [
        "previous_response_id",
        "input[0].content[1].image_url",
        "input[0].content[2].input_audio",
        "input[2].output[0].image_url",
    ]
