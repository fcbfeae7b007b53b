"""What every key is told of a device (``api.routes.devices``)."""

from api.routes.devices import _describe
from models.ledger.fit import Room
from models.rows.records import LoadedDevice


def test_what_was_fetched_is_not_told() -> None:
    details = {"uuid": "GPU-1", "cached": ["hf:a/b"], "notes": ["n"], "gone": 1}
    device = LoadedDevice("n.d", "n", "cuda", "a device", 1 << 34, 0, details, {}, load=0)
    told = _describe(device, None, Room("n.d", "n", 1 << 34, None))
    assert told["uuid"] == "GPU-1"
    assert not {"cached", "notes", "gone"} & told.keys()
