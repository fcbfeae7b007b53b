"""AMD's GPUs, read from files as the kernel writes them."""

from pathlib import Path

import pytest

from models.launching import rocm
from models.launching.rocm import AmdCard

GIB = 1 << 30
PROCESSOR = "cpu_cores_count 32\nsimd_count 0\nmem_banks_count 1\ngfx_target_version 0\nvendor_id 0\n"
RADEON = """cpu_cores_count 0
simd_count 192
mem_banks_count 1
wave_front_size 32
gfx_target_version 110000
vendor_id 4098
device_id 29772
drm_render_minor 128
local_mem_size 0
unique_id 11673270660693242239
"""
UUID = "GPU-a1ffc9d1799c317f"
BANK = "heap_type 1\nsize_in_bytes {size}\nflags 0\nwidth 384\nmem_clk_max 1249\n"
HOST = "heap_type 0\nsize_in_bytes 67368312832\nflags 0\n"


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    """A machine with a processor and two cards; a third may not be read."""
    for number, node, bank in (
        (0, PROCESSOR, HOST),
        (2, RADEON, BANK.format(size=24 * GIB)),
        (10, RADEON.replace("110000", "90010").replace("unique_id", "hive_id"), BANK.format(size=64 * GIB)),
    ):
        folder = tmp_path / str(number)
        (folder / "mem_banks" / "0").mkdir(parents=True)
        (folder / "properties").write_text(node)
        (folder / "mem_banks" / "0" / "properties").write_text(bank)
    (tmp_path / "3").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("version", "name"),
    [(90010, "gfx90a"), (90402, "gfx942"), (100302, "gfx1032"), (110001, "gfx1101"), (120001, "gfx1201")],
)
def test_an_architecture_has_llvms_name(version: int, name: str) -> None:
    card = rocm.parse(RADEON.replace("110000", str(version)), [])

    assert card is not None
    assert card.architecture == name


def test_memory_is_the_cards_own() -> None:
    banks = [BANK.format(size=16 * GIB), BANK.format(size=8 * GIB).replace("heap_type 1", "heap_type 2"), HOST]

    assert rocm.parse(RADEON, banks) == AmdCard("gfx1100", 24 * GIB, UUID)


@pytest.mark.parametrize("node", [PROCESSOR, "", RADEON.replace("4098", "4318"), "nonsense\nvendor_id x\n"])
def test_what_is_no_card_of_amds_is_left_out(node: str) -> None:
    assert rocm.parse(node, []) is None


def test_cards_come_in_rocms_order(topology: Path) -> None:
    assert rocm.find(topology) == [AmdCard("gfx1100", 24 * GIB, UUID), AmdCard("gfx90a", 64 * GIB)]
    assert rocm.find(topology / "missing") == []


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (None, "ab"),
        ("0", "a"),
        ("1,0", "ba"),
        ("", ""),
        ("-1", ""),
        ("0,7,1", "a"),
        (" 1 ", "b"),
        ("GPU-1", ""),
        ("GPU-b,0", "ba"),
    ],
)
def test_those_are_left_that_hip_may_see(wanted: str | None, left: str) -> None:
    cards = [AmdCard("a", 1), AmdCard("b", 1, "GPU-b")]

    assert "".join(card.architecture for card in rocm.visible(cards, wanted)) == left


def test_one_sentence_is_said_of_them(topology: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocm, "TOPOLOGY", topology)
    monkeypatch.delenv("HIP_VISIBLE_DEVICES", raising=False)
    said = rocm.note()

    assert "gfx1100 with 24 GiB, gfx90a with 64 GiB" in said
    assert "not used" in said
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "")
    assert rocm.note() == ""
    monkeypatch.delenv("HIP_VISIBLE_DEVICES")
    monkeypatch.setattr(rocm, "TOPOLOGY", topology / "missing")
    assert rocm.note() == ""
