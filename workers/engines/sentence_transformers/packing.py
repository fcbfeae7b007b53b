"""Decides which of the waiting sequences go into one batch: pure functions. Lengths and budgets are in tokens."""

from collections.abc import Sequence

SLACK = 64
"""Padding of a batch that costs less than another call of the model."""

SHARE = 128
"""Tokens that are enough for a batch of their own: with fewer, a token costs nearly twice as much."""


def batch_of_first(lengths: Sequence[int], budget: int, most: int) -> list[int]:
    """The batch that the first sequence goes into: its index, and those of others about as long, the longest first.

    A batch has at most ``most`` sequences. Padded to the longest of them it has at most ``budget`` tokens, unless it is
    a single sequence. At most an eighth of it may be padding, or ``SLACK`` tokens if that is more.
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
    """The budget of the next batch: the tokens that wait are divided among the lanes that have nothing to do.

    ``idle`` is the number of other such lanes.
    """
    return min(budget, max(-(-waiting // (idle + 1)), SHARE))


def worthwhile(waiting: int, computing: int, busy: int) -> bool:
    """Whether a lane with nothing to do is to begin a batch now, or to leave what waits to the ``busy`` lanes.

    The busy lanes compute ``computing`` tokens. A batch that is half as large as theirs is begun: per token it costs
    more than a larger batch later, but less than to leave a core without work.
    """
    return not busy or waiting >= min(SHARE, computing / busy / 2)


def round_due(arrived: int, before: int, budget: int) -> int:
    """The round in which a sequence is due. Each batch is a round.

    Its request arrived in round ``arrived`` and has ``before`` tokens in front of the sequence. So, while others wait,
    a request gets a quarter of each batch, and requests that arrive later do not wait until all of it is computed.
    """
    return arrived + before * 4 // budget
