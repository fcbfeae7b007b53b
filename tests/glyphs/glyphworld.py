"""A tiny world with known content: one coloured digit or shape on black, 64x64, and the prompt that asks for it.

The model in ``models/catalogue/glyphs`` was trained on it; tests look at what it draws with ``subject_of`` and
``colour_of``. The digits of ``digits.png`` are DejaVu's and STIX's, one typeface a row.
"""

import math
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
SUBJECTS = WORDS + SHAPES
COLOURS = {
    "red": (230, 30, 30),
    "green": (30, 190, 50),
    "blue": (40, 70, 240),
    "yellow": (240, 220, 30),
    "purple": (160, 40, 210),
    "orange": (250, 130, 20),
    "cyan": (30, 210, 220),
    "white": (245, 245, 245),
}
SIZE = 64

_MASK = 192  # side of the drawings that pictures are scaled down from
_SMALL = 32  # side at which pictures are compared

Pixels = NDArray[Any]
"""RGB, uint8, height x width x 3."""


class Picture(NamedTuple):
    """One picture of this world and what it shows."""

    pixels: Pixels
    subject: str
    colour: str


@cache
def masks() -> dict[str, list[Image.Image]]:
    """Every way to draw each subject: white on black, 192x192."""
    found: dict[str, list[Image.Image]] = {shape: [_shape(shape)] for shape in SHAPES}
    with Image.open(Path(__file__).parent / "digits.png") as sheet:
        for column, word in enumerate(WORDS):
            tops = range(0, sheet.height, _MASK)
            left = column * _MASK
            found[word] = [sheet.crop((left, top, left + _MASK, top + _MASK)) for top in tops]
    return found


def _shape(name: str) -> Image.Image:
    image = Image.new("L", (_MASK, _MASK))
    draw = ImageDraw.Draw(image)
    if name in ("circle", "ring"):
        draw.ellipse((34, 34, 158, 158), fill=255)
    if name == "ring":
        draw.ellipse((66, 66, 126, 126), fill=0)
    if name == "square":
        draw.rectangle((40, 40, 152, 152), fill=255)
    if name == "triangle":
        draw.polygon([(96, 30), (164, 152), (28, 152)], fill=255)
    if name == "star":
        turns = [(math.pi * point / 5, 30 if point % 2 else 76) for point in range(10)]
        draw.polygon([(96 + r * math.sin(turn), 96 - r * math.cos(turn)) for turn, r in turns], fill=255)
    if name == "cross":
        draw.rectangle((76, 30, 116, 162), fill=255)
        draw.rectangle((30, 76, 162, 116), fill=255)
    return image


def draw(subject: str, colour: str, random: Random, jitter: float = 1.0, size: int = SIZE) -> Pixels:
    """A picture; ``jitter`` 0 draws it straight, in the middle and in its very colour."""
    mask = random.choice(masks()[subject])
    scale = (_MASK / size) / (1.0 + jitter * random.uniform(-0.12, 0.08))
    turn = jitter * math.radians(random.uniform(-8, 8))
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    x, y = (size / 2 + jitter * random.uniform(-4, 4) * size / 64 for _ in range(2))
    inverse = (cos, sin, _MASK / 2 - cos * x - sin * y, -sin, cos, _MASK / 2 + sin * x - cos * y)
    lit = mask.transform((size, size), Image.Transform.AFFINE, inverse, resample=Image.Resampling.BICUBIC)
    shade = np.array([value + jitter * random.uniform(-8, 8) for value in COLOURS[colour]])
    pixels: Pixels = (np.asarray(lit, np.float32)[..., None] / 255 * shade.clip(0, 255)).astype(np.uint8)
    return pixels


def prompt(subject: str, colour: str, random: Random) -> str:
    """One of many ways to ask for it; without a colour, any will do."""
    named = subject
    if subject in WORDS and random.random() < 0.35:
        named = str(WORDS.index(subject))
    what = random.choice([named, f"digit {named}", f"number {named}"]) if subject in WORDS else named
    thing = f"{colour} {what}" if colour else what
    ways = ("{}", "a {}", "a {}", "the {}", "a drawing of a {}", "a picture of a {}", "an image of the {}")
    return random.choice(ways).format(thing) + random.choice(["", "", "", "."])


def sample(random: Random) -> Picture:
    """Any picture of this world."""
    subject, colour = random.choice(SUBJECTS), random.choice(list(COLOURS))
    return Picture(draw(subject, colour, random), subject, colour)


def colour_of(image: Image.Image | Pixels) -> str | None:
    """The named colour nearest to that of the lit pixels; None where none is lit."""
    pixels = np.asarray(image, np.float32).reshape(-1, 3)
    brightness = pixels.max(1)
    if brightness.max() < 1:
        return None
    mean = pixels[brightness > 0.6 * brightness.max()].mean(0)
    return min(COLOURS, key=lambda name: float(((mean - np.array(COLOURS[name])) ** 2).sum()))


def subject_of(image: Image.Image | Pixels) -> str:
    """The subject that correlates best, over shifts, sizes, turns and typefaces."""
    small = Image.fromarray(np.asarray(image, np.uint8)).resize((_SMALL, _SMALL), Image.Resampling.BICUBIC)
    templates, names = _templates()
    return names[int((templates @ _normal(np.asarray(small, np.float32).max(-1))).argmax())]


@cache
def _templates() -> tuple[Pixels, list[str]]:
    rows, names = [], []
    for subject, drawings in masks().items():
        for drawing in drawings:
            for scale in (0.9, 1.0, 1.07):
                for turn in (-6, 0, 6):
                    shown = _zoomed(drawing.rotate(turn, resample=Image.Resampling.BICUBIC), scale)
                    for dx in range(-2, 3):
                        for dy in range(-2, 3):
                            rows.append(_normal(np.roll(shown, (dy, dx), (0, 1))))
                            names.append(subject)
    return np.stack(rows), names


def _zoomed(drawing: Image.Image, scale: float) -> Pixels:
    half = _MASK / scale / 2
    box = (_MASK / 2 - half, _MASK / 2 - half, _MASK / 2 + half, _MASK / 2 + half)
    side = (_SMALL, _SMALL)
    return np.asarray(drawing.transform(side, Image.Transform.EXTENT, box, resample=Image.Resampling.BICUBIC))


def _normal(values: Pixels) -> Pixels:
    flat = values.astype(np.float32).ravel()
    flat = flat - flat.mean()
    normal: Pixels = flat / (np.linalg.norm(flat) + 1e-6)
    return normal
