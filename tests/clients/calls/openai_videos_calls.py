"""What a user of an older openai does with videos. Run: ``python openai_videos_calls.py URL KEY``."""

import asyncio
import io
import sys

from openai import AsyncOpenAI, BadRequestError, ConflictError, NotFoundError, OpenAI
from PIL import Image


def picture() -> bytes:
    """A picture that a video begins with."""
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(made, "png")
    return made.getvalue()


def main(url: str, key: str) -> None:
    """Make, poll, list, download, remix, delete."""
    client = OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    try:
        client.videos.create(model="film", prompt="a bar", seconds="4", size="720x1280")
    except BadRequestError as error:
        assert (error.param, error.code) == ("seconds", "invalid_value"), error
    else:
        raise AssertionError("a video that is too large was taken")
    video = client.videos.create_and_poll(
        model="film", prompt="a bar", seconds="4", poll_interval_ms=100, extra_body={"size": "96x64"}
    )
    assert (video.status, video.progress, video.seconds, video.size) == ("completed", 100, "4.125", "96x64"), video
    client.videos.download_content(video.id).write_to_file("/dev/null")
    content = client.videos.download_content(video.id, variant="video").read()
    assert content[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="thumbnail").read()[8:12] == b"WEBP"
    assert client.videos.download_content(video.id, variant="spritesheet").read()[:2] == b"\xff\xd8"
    remix = client.videos.remix(video.id, prompt="a star")
    assert (remix.remixed_from_video_id, remix.prompt) == (video.id, "a star")
    assert client.videos.poll(remix.id, poll_interval_ms=100).status == "completed"
    begun = client.videos.create(model="film", prompt="x", input_reference=("a.png", picture(), "image/png"))
    listed = [one.id for one in client.videos.list(limit=1)]
    assert listed[:3] == [begun.id, remix.id, video.id]
    long = client.videos.create(model="film", prompt="x", extra_body={"steps": 250})
    try:
        client.videos.download_content(long.id)
    except ConflictError as error:
        assert "once it is completed" in error.message
    else:
        raise AssertionError("a video was there before it was made")
    for one in (long.id, remix.id):
        assert client.videos.delete(one).deleted
    try:
        client.videos.retrieve(long.id)
    except NotFoundError as error:
        assert error.param == "id"
    else:
        raise AssertionError("a deleted video was found")
    asyncio.run(at_once(url, key))


async def at_once(url: str, key: str) -> None:
    """The same calls, several at once."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        made = await asyncio.gather(
            *(client.videos.create_and_poll(model="film", prompt=str(n), poll_interval_ms=100) for n in range(3))
        )
        assert [one.status for one in made] == ["completed"] * 3
        content = await client.videos.download_content(made[0].id)
        assert content.read()[4:8] == b"ftyp"


if __name__ == "__main__":
    main(*sys.argv[1:])
