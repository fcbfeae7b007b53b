"""What engines of speech do alike: the bounds of a request, and when words count as unknown."""

from typing import Any

from models.errors import InvalidRequest
from models.modalities.speech import Request

SPEEDS = (0.5, 2.0)
PAUSE_S = 0.3
"""How long the silence is where nothing can be said."""
_FEW = 2


def limits(most: int) -> dict[str, Any]:
    """What ``Engine.told`` says of the requests that ``check_request`` lets pass."""
    return {"max_characters": most, "speeds": list(SPEEDS)}


def check_request(request: Request, most: int) -> None:
    """Raise InvalidRequest for a speed that voices do not have, and for a text of more than ``most`` characters."""
    if not SPEEDS[0] <= request.speed <= SPEEDS[1]:
        raise InvalidRequest(f"this voice speaks at a speed of {SPEEDS[0]} to {SPEEDS[1]}", param="speed")
    if len(request.input) > most:
        raise InvalidRequest(f"the text has {len(request.input)} characters; this model takes {most}", param="input")


def many(strange: int, words: int) -> int:
    """How many words a voice does not know, of so many; 0 where so few may be names."""
    return strange if strange >= _FEW and strange * 3 >= words else 0
