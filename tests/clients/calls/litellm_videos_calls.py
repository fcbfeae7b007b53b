"""What a user of LiteLLM does with videos: ``python litellm_videos_calls.py URL KEY``."""

import sys
import time

import litellm


def main(url: str, key: str) -> None:
    """Make one, look at it until it is made, and download it."""
    about = {"api_base": f"{url}/v1", "api_key": key, "custom_llm_provider": "openai"}
    video = litellm.video_generation(model="film", prompt="a bar", seconds="2", size="96x64", **about)
    while video.status in ("queued", "in_progress"):
        time.sleep(0.1)
        video = litellm.video_status(video_id=video.id, **about)
    assert (video.status, video.progress) == ("completed", 100), video
    assert litellm.video_content(video_id=video.id, **about)[4:8] == b"ftyp"


if __name__ == "__main__":
    main(*sys.argv[1:])
