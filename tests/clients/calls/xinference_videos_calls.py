"""What a user of Xinference's own client does with videos: ``python xinference_videos_calls.py URL KEY``."""

import base64
import io
import sys
from collections.abc import Callable
from typing import Any

from PIL import Image
from xinference_client import RESTfulClient as Client


def picture(colour: str) -> bytes:
    """A frame of one colour."""
    made = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(made, "png")
    return made.getvalue()


def main(url: str, key: str) -> None:
    """Launch, make a video of a text, of a picture and of two, and be refused."""
    client = Client(url, api_key=key)
    uid = client.launch_model("echo", model_type="video", model_engine="echo", model_uid="clips", step_ms=5)
    assert client.describe_model(uid)["model_type"] == "video"
    assert "text2video" in client.describe_model(uid)["model_ability"]
    model = client.get_model(uid)
    more = {"num_frames": 5, "fps": 4, "num_inference_steps": 2}
    for made in (
        model.text_to_video("a bar", n=1, height=64, width=96, seed=3, request_id="r", **more),
        model.image_to_video(picture("red"), "a bar", negative_prompt="dull", **more),
        model.flf_to_video(picture("red"), picture("blue"), "a bar", **more),
    ):
        assert made["created"] > 0
        [video] = made["data"]
        assert base64.b64decode(video["b64_json"])[4:8] == b"ftyp"
    [video] = model.text_to_video("a bar", response_format="url", **more)["data"]
    assert video["url"].startswith(url)
    mistakes: list[Callable[[], Any]] = [
        lambda: model.text_to_video("a bar", n=2),
        lambda: model.text_to_video("a bar", num_frames=6),
        lambda: model.image_to_video(b"no picture", "a bar"),
        lambda: model.image_to_video(picture("red"), "a bar", video=b"\0\xff\0\0ftypisom"),
    ]
    for refused in mistakes:
        try:
            refused()
        except RuntimeError as error:
            assert "detail: " in str(error), error
        else:
            raise AssertionError("it was not refused")
    client.terminate_model(uid)


if __name__ == "__main__":
    main(*sys.argv[1:])
