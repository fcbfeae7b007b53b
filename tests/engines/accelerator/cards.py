"""The cards that the tables of tests are about, with nothing on them but what their driver takes."""

from workers.engines.accelerator.card import Card

GIB = 1 << 30
T4 = Card((7, 5), 15 * GIB, int(14.6 * GIB))
RTX_3060 = Card((8, 6), 12 * GIB, int(11.6 * GIB))
RTX_4090 = Card((8, 9), 24 * GIB, int(23.5 * GIB))
A100 = Card((8, 0), 80 * GIB, 79 * GIB)
H100 = Card((9, 0), 80 * GIB, 79 * GIB)
GB10 = Card((12, 1), 120 * GIB, 110 * GIB, unified=True)
M = Card(None, 16 * GIB, 12 * GIB, unified=True)

CARDS = {"T4": T4, "3060": RTX_3060, "4090": RTX_4090, "A100": A100, "H100": H100, "GB10": GB10, "M": M}


def less(card: Card, taken: float) -> Card:
    """The card when so many GiB more are taken."""
    return Card(card.capability, card.total_bytes, card.free_bytes - int(taken * GIB), card.unified)
