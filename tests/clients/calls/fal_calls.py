"""What fal's client does with jobs: `python fal_calls.py`, with FAL_KEY and the hosts set. Prints the id of one."""

import fal_client
import httpx

drawing = {"prompt": "a red seven", "seed": 7, "num_images": 2, "image_size": {"width": 64, "height": 64}}
handle = fal_client.submit("headrace/glyphs", drawing)
seen = [*handle.iter_events(with_logs=True, interval=0.05)]
assert isinstance(seen[-1], fal_client.Completed), seen
assert seen[-1].error is None
assert seen[-1].metrics["inference_time"] > 0
made = handle.get()
assert [one["content_type"] for one in made["images"]] == ["image/png"] * 2
assert httpx.get(made["images"][0]["url"]).content.startswith(b"\x89PNG")

assert fal_client.subscribe("headrace/echo", {"prompt": "hello", "max_tokens": 2})["output"] == "hello hello"
assert fal_client.run("headrace/echo", arguments={"prompt": "hello", "max_tokens": 1})["output"] == "hello"

slow = fal_client.submit("headrace/slow", {"prompt": "on and on", "max_tokens": 5000}, priority="low")
assert not isinstance(slow.status(), fal_client.Completed)
slow.cancel()
[*_, end] = slow.iter_events(interval=0.05)
assert end.error_type == "cancelled", end
try:
    slow.get()
except fal_client.FalClientHTTPError as error:
    assert error.status_code == 400, error  # with 409 it would ask again for a minute
else:
    raise AssertionError("a result of what was cancelled")

try:
    fal_client.submit("headrace/nothing", {})
except fal_client.FalClientHTTPError as error:
    assert error.status_code == 404
    assert "nothing" in str(error)
else:
    raise AssertionError("a model that there is not")
print(handle.request_id)
