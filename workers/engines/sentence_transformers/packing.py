"""Which of the waiting sequences go into one batch: pure functions. Lengths and budgets are in tokens."""

from collections.abc import Sequence

SLACK = 64
"""Padding of a batch that costs less than another call of the model."""

SHARE = 128
"""Tokens that are worth a lane of their own: with fewer, a batch costs nearly twice as much a token."""


def batch_of_first(lengths: Sequence[int], budget: int, most: int) -> list[int]:
    """The batch that the first sequence goes into: the indices of it and of those about as long, longest first.

    A batch has at most ``most`` sequences, and padded to its longest at most ``budget`` tokens, unless it is a single
    one. An eighth of it may be padding.
    """
    batch: list[int] = []
    real = 0
    for index in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        length = lengths[index]
        padded = (lengths[batch[0]] if batch else length) * (len(batch) + 1)
        waste = padded - real - length
        if batch and (padded > budget or len(batch) >= most or waste > max(SLACK, (real + length) // 8)):
            if 0 in batch:
                break
            batch, real = [], 0
        batch.append(index)
        real += length
    return batch


def share(waiting: int, idle: int, budget: int) -> int:
    """The budget of the next batch when so many tokens wait and so many other lanes have nothing to do."""
    return min(budget, max(-(-waiting // (idle + 1)), SHARE))


def worthwhile(waiting: int, computing: int, busy: int) -> bool:
    """Whether a lane with nothing to do is to begin a batch, or leave what waits to the lanes that are busy.

    ``computing`` are the tokens that these have. A batch half as large as theirs is worth it: it costs more a token
    than one that has waited, but less than a core with nothing to do.
    """
    return not busy or waiting >= min(SHARE, computing / busy / 2)


def round_due(arrived: int, before: int, budget: int) -> int:
    """The round in which a sequence is due. Each batch is a round.

    Its request arrived in round ``arrived`` and has ``before`` tokens in front of the sequence. So a request has a
    quarter of each batch for itself while others wait, and what arrives later does not wait for the whole of it.
    """
    return arrived + before * 4 // budget
