"""Which encodings a client takes."""

import re

_REFUSED = re.compile(r"q=0(\.0*)?")


def takes(accepted: str, encoding: str) -> bool:
    """Whether a client takes an encoding, as ``gzip``, by its header ``Accept-Encoding``. Pure.

    What it says of this encoding counts, else what it says of all, ``*``.
    """
    said = [one.split(";") for one in accepted.lower().replace(" ", "").split(",")]
    for name in (encoding, "*"):
        for one, *more in said:
            if one == name:
                return not any(map(_REFUSED.fullmatch, more))
    return False
