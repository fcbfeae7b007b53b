"""What is said of an engine that is not there (``api.routes.engines.options``)."""

import asyncio

import pytest

from api.routes.engines.options import describe_options
from models.errors import NotFound


def test_a_long_name_is_cut() -> None:
    with pytest.raises(NotFound, match=f"there is no engine '{'x' * 40}'; there are "):
        asyncio.run(describe_options("x" * 60_000))
