"""The README's table of families, made from what the suite launches.

``python -m tests.families.listing.table`` writes it anew.
What is served stands there because a test compares it with its library; what is refused, in the words of the refusal.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from models.errors import InvalidRequest
from tests.families.drawn.test_further import MAKERS as DRAWN_TOO
from tests.families.listing.names import EMBEDDING, HEARING, PICTURES, RERANK, SEEING, TEXT, VIDEO
from tests.families.makers import refused
from tests.families.makers.embeddings.embedders import EMBEDDERS
from tests.families.makers.embeddings.more import MORE as MORE_EMBEDDERS
from tests.families.makers.embeddings.rerankers import ASKED_BY_WORDS, OF_LIBRARY
from tests.families.makers.seeing.layouts import LAYOUTS
from tests.families.makers.seeing.more import MORE as MORE_SEEING
from tests.families.makers.seeing.newest import NEWEST
from tests.families.makers.seeing.towers import TOWERS
from tests.families.makers.sound.listeners import LISTENERS
from tests.families.makers.text.layouts import MANAGER
from tests.families.makers.text.others import STEPPER
from tests.families.makers.videos.layouts import OF_FIRST, OF_FIRST_AND_LAST, OF_TEXT
from tests.families.pictures.test_pictures import MAKERS as DRAWN
from tests.families.residents import launched

README = Path(__file__).parents[3] / "README.md"
BEGIN, END = "<!-- families: begin -->\n", "<!-- families: end -->\n"
REFUSED: Mapping[str, refused.Maker] = {
    **refused.OF_TEXT,
    **refused.OF_SIGHT,
    **refused.OF_VECTORS,
    **refused.OF_SOUND,
    **refused.OF_PICTURES,
    **refused.OF_VIDEO,
}
_READ = re.compile(r" \(there are llama_cpp .*\)")
"""All formats that are read; they stand in the README already."""


def served() -> Iterator[tuple[str, str, str, str]]:
    """What is served: the model's type, the engine, how it is shown, and the families."""
    tokens = "tokens equal to `generate`'s, alone and together"
    yield "LLM", "transformers", f"transformers' own batching: {tokens}", _named(TEXT, MANAGER)
    yield "LLM", "transformers", f"the Stepper: {tokens}", _named(TEXT, STEPPER)
    yield (
        "LLM that sees",
        "transformers",
        f"the Stepper: {tokens}",
        _named(SEEING, [*LAYOUTS, *MORE_SEEING, *NEWEST, *TOWERS]),
    )
    same = "tokens equal to those of the same weights"
    yield "LLM that sees", "llama_cpp", same, "folders of a GGUF file and its projector (mmproj)"
    yield (
        "LLM that hears",
        "transformers",
        "transcripts equal to `generate`'s, alone and together",
        _named(HEARING, LISTENERS),
    )
    heard = "transformers' encoder states to 1e-4, its tokens; texts and times of faster-whisper"
    yield (
        "audio",
        "faster_whisper",
        heard,
        "Whisper and distil-Whisper, as their makers ship them or converted",
    )
    vectors = "vectors equal to `encode`'s, alone and together"
    yield "embedding", "sentence_transformers", vectors, _named(EMBEDDING, [*EMBEDDERS, *MORE_EMBEDDERS])
    yield "embedding", "llama_cpp", "vectors of the same weights, to 0.01", "GGUF files of BERT, Qwen3-Embedding"
    yield "rerank", "sentence_transformers", "scores equal to `predict`'s", _named(RERANK, OF_LIBRARY)
    yield "rerank", "sentence_transformers", "scores as the model's card computes them", _named(RERANK, ASKED_BY_WORDS)
    yield "rerank", "llama_cpp", "scores of the same weights, to 0.01", "GGUF files of BERT, Qwen3-Reranker"
    pixels = "pixels equal to the bare pipeline's"
    more = (
        "DeepFloyd IF (both stages), InstructPix2Pix, SDXL refiner, FLUX.1 Fill, Kontext, FLUX.2 dev, "
        "OmniGen (from a text), Qwen-Image, Qwen-Image-Edit (Plus), Stable Cascade"
    )
    alone = "a network alone in a file, safetensors or GGUF: FLUX.1, Stable Diffusion 3, Qwen-Image"
    yield "image", "diffusers", pixels, f"{_named(PICTURES, [*DRAWN, *DRAWN_TOO])}, {more}"
    yield "image", "diffusers with sentencepiece", pixels, "Kolors"
    yield "image", "diffusers, option base", pixels, alone
    frames = "frames equal to the bare pipeline's"
    yield "video of a text", "diffusers", frames, _named(VIDEO, OF_TEXT)
    yield "video of its first frame", "diffusers", frames, _named(VIDEO, OF_FIRST)
    yield "video of its first and last frame", "diffusers", frames, _named(VIDEO, OF_FIRST_AND_LAST)


def _named(names: Mapping[str, str], layouts: Iterable[str]) -> str:
    return ", ".join(sorted({names[one] for one in layouts}, key=str.lower))


async def words(maker: refused.Maker, folder: Path) -> str:
    """The words in which a launch of a folder like this is refused, without the folder's own name."""
    await asyncio.to_thread(_make, maker, folder)
    try:
        async with launched(folder):
            pass
    except InvalidRequest as error:
        return _READ.sub("", error.message.replace(str(folder), "…"))
    raise AssertionError(f"{folder} was launched")


def _make(maker: refused.Maker, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    maker(folder)


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |\n"


async def table(folder: Path) -> str:
    """Both tables; what is to be refused is made in this folder."""
    lines = [row("type", "engine", "shown by the tests", "families"), row(*["---"] * 4)]
    lines += [row(*cells) for cells in served()]
    lines += ["\n", row("not served as it is", "what the launch says"), row(*["---"] * 2)]
    for at, (family, maker) in enumerate(REFUSED.items()):
        lines.append(row(family, await words(maker, folder / str(at))))
    return "".join(lines)


def main() -> None:
    """Write the table into the README."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    with tempfile.TemporaryDirectory() as folder:
        README.write_text(f"{before}{BEGIN}{asyncio.run(table(Path(folder)))}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
