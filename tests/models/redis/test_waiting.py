"""What waits for models, as gateways report it (``models.redis.waiting``)."""

from models.redis.waiting import Report, encode, merged, stale

HERE = {"g": encode(Report(100.0, {"m": [90.0, 80.0]}))}
UNREADABLE = {"newer": b'{"at": "noon"}', "broken": b"no json"}


def test_those_of_all_gateways_are_told_together() -> None:
    other = {"h": encode(Report(99.0, {"m": [85.0]})), "gone": encode(Report(96.0, {"m": [1.0]}))}
    assert merged(HERE | other, 100.0) == {"m": [80.0, 85.0, 90.0]}


def test_reports_that_cannot_be_read_hide_no_others() -> None:
    """Nor are they forgotten: the gateway may live, and be of another version."""
    assert merged(UNREADABLE | HERE, 100.0) == {"m": [80.0, 90.0]}
    assert stale(UNREADABLE | HERE, 161.0) == ["g"]
