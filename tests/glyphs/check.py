"""Draw with the shipped model and count how often the picture is what was asked for.

``python -m tests.glyphs.check [STEPS] [GUIDANCE] [PICTURES] [FOLDER]``
"""

import resource
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.glyphs import glyphworld as world

WEIGHTS = Path(__file__).parents[2] / "models" / "catalogue" / "glyphs"
_BATCH = 16


def main(steps: int, guidance: float, pictures: int, folder: Path) -> None:
    """Print the counts and the pace."""
    import torch
    from diffusers import AutoPipelineForText2Image

    began = time.monotonic()
    pipe: Any = AutoPipelineForText2Image.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    print(f"loaded in {time.monotonic() - began:.2f} s")
    wanted = [(subject, colour) for subject in world.SUBJECTS for colour in world.COLOURS]
    Random(5).shuffle(wanted)
    wanted = wanted[:pictures]
    images: list[Any] = []
    began = time.monotonic()
    for first in range(0, len(wanted), _BATCH):
        images += pipe(
            [f"a {colour} {subject}" for subject, colour in wanted[first : first + _BATCH]],
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(first),
        ).images
    pace = (time.monotonic() - began) / len(wanted)
    subjects = [world.subject_of(image) == subject for image, (subject, _) in zip(images, wanted, strict=True)]
    colours = [world.colour_of(image) == colour for image, (_, colour) in zip(images, wanted, strict=True)]
    both = sum(map(all, zip(subjects, colours, strict=True)))
    print(
        f"{len(images)} pictures, {steps} steps, guidance {guidance}: {pace * 1000:.0f} ms each in batches of {_BATCH};"
        f" subject right {sum(subjects)}, colour right {sum(colours)}, both {both}; "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    )


if __name__ == "__main__":
    said = [*sys.argv[1:], *("8", "2", "64", str(WEIGHTS))[len(sys.argv) - 1 :]]
    main(int(said[0]), float(said[1]), int(said[2]), Path(said[3]))
