"""The README says of each family what its launch does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.families.listing.table import README, REFUSED, row, served, words

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = (
    "Mamba",
    "Kimi-VL, MiniCPM-V and others with a network of their own",
    "a LoRA adapter by itself",
    "SPLADE",
    "models whose last layers have a Router",
    "unCLIP (Karlo)",
    "Parakeet, Canary (NeMo)",
)


@pytest.mark.parametrize("cells", [*served()], ids=lambda cells: f"{cells[0]} on {cells[1]}")
def test_what_is_served_stands_in_the_readme(cells: Sequence[str]) -> None:
    assert row(*cells) in README.read_text(encoding="utf-8"), "python -m tests.families.listing.table writes it"


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if name in QUICK else pytest.mark.families) for name in REFUSED]
)
async def test_what_is_not_served_is_refused_in_the_readmes_words(family: str, tmp_path: Path) -> None:
    said = await words(REFUSED[family], tmp_path / "it")

    assert row(family, said) in README.read_text(encoding="utf-8"), "python -m tests.families.listing.table writes it"
