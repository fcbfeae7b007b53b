"""Show the shipped model fresh pictures, and count how often it names them right.

``python -m tests.glyphs.check_vision [PICTURES] [FOLDER]``
"""

import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from tests.glyphs import glyphworld as world

WEIGHTS = Path(__file__).parents[2] / "models" / "catalogue" / "glyph-vlm"


def main(pictures: int, folder: Path) -> None:
    """Print the counts and the pace."""
    import torch
    import transformers

    auto: Any = transformers
    processor = auto.AutoProcessor.from_pretrained(folder, local_files_only=True)
    model = auto.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()

    def ask(question: str, shown: list[world.Picture], size: int) -> str:
        images = [Image.fromarray(one.pixels).resize((size, size), Image.Resampling.BICUBIC) for one in shown]
        content = [*[{"type": "image", "image": one} for one in images], {"type": "text", "text": question}]
        read = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            made = model.generate(**read, max_new_tokens=24, do_sample=False)
        said: str = processor.decode(made[0, read["input_ids"].shape[1] :], skip_special_tokens=True)
        return said

    random = Random(77)
    counts = dict.fromkeys(("one", "first of two", "second of two", "both"), 0)
    began = time.monotonic()
    for number in range(pictures):
        shown = [world.sample(random), world.sample(random)]
        size = 224 if number % 2 else world.SIZE
        first, second = ({one.subject, one.colour} for one in shown)
        for name, question, seen, wanted in (
            ("one", "What is in the image?", shown[:1], first),
            ("first of two", "What is in the first image?", shown, first),
            ("second of two", "What is in the second image?", shown, second),
            ("both", "What is in the images?", shown, first | second),
        ):
            counts[name] += wanted <= set(ask(question, seen, size).lower().rstrip(".").split())
    pace = (time.monotonic() - began) / pictures / len(counts)
    print(f"of {pictures}, right: {counts}; {pace * 1000:.0f} ms an answer")


if __name__ == "__main__":
    said = [*sys.argv[1:], *("64", str(WEIGHTS))[len(sys.argv) - 1 :]]
    main(int(said[0]), Path(said[1]))
