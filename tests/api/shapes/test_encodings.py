"""What an ``Accept-Encoding`` says (``api.shapes.encodings``)."""

import pytest

from api.shapes.encodings import takes


@pytest.mark.parametrize(
    "accepted", ["gzip", "deflate, GZIP;q=0.5", "*", "br;q=1, gzip; q=0.001", "*;q=0, gzip", "gzip;q=1, *;q=0"]
)
def test_who_takes_gzip(accepted: str) -> None:
    assert takes(accepted, "gzip")


@pytest.mark.parametrize(
    "accepted", ["", "br", "gzip;q=0", "gzip; q = 0.0, br", "*, gzip;q=0", "*;q=0", "gzip;q=0.000", "gzipped"]
)
def test_who_does_not(accepted: str) -> None:
    assert not takes(accepted, "gzip")
