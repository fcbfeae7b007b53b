"""What Replicate's client does with jobs: `python replicate_calls.py URL KEY`. Prints the id of one that succeeded."""

import io
import sys

import httpx
import replicate
from replicate.exceptions import ReplicateError

url, key = sys.argv[1:]
client = replicate.Client(api_token=key, base_url=url)

drawing = {"prompt": "a red seven", "seed": 7, "num_outputs": 2, "num_inference_steps": 4}
made = client.models.predictions.create(model="headrace/glyphs", input=drawing)
made.wait()
assert made.status == "succeeded", made
assert len(made.output) == 2
assert httpx.get(made.output[0]).content.startswith(b"\x89PNG")
assert made.metrics["predict_time"] > 0
assert made.started_at

picture = io.BytesIO(httpx.get(made.output[0]).content)
change = {"prompt": "a blue seven", "image": picture, "num_inference_steps": 4}
[changed] = client.run("headrace/glyphs", input=change)  # uploads the file, and names it by its URL
assert changed.read().startswith(b"\x89PNG")
picture.seek(0)
kept = client.files.create(picture, filename="seven.png", content_type="image/png")
assert (kept.name, kept.content_type) == ("seven.png", "image/png")

assert client.run("headrace/echo", input={"prompt": "hello", "max_new_tokens": 2}) == ["hello hello"]
spoken = client.run("headrace/hibari", input={"text": "Hello.", "response_format": "wav"})
assert spoken.read().startswith(b"RIFF")

waited = client.predictions.create(version="echo", input={"prompt": "hi", "max_new_tokens": 1}, wait=30)
assert (waited.status, waited.output) == ("succeeded", ["hi"])

slow = client.predictions.create(version="slow", input={"prompt": "on and on", "max_new_tokens": 5000})
assert slow.status in ("starting", "processing")
slow.cancel()
slow.wait()
assert slow.status == "canceled", slow

listed = client.predictions.list()
assert {made.id, slow.id} <= {one.id for one in listed.results}
assert client.predictions.get(made.id).output[0].split("?")[0] == made.output[0].split("?")[0]

try:
    client.predictions.create(version="nothing", input={})
except ReplicateError as error:
    assert (error.status, error.title) == (404, "model_not_found"), error
    assert "nothing" in error.detail
else:
    raise AssertionError("a model that there is not")
print(made.id)
