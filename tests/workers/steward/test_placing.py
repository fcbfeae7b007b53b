"""Which device a replica goes to: a pure decision."""

from workers.steward import placing


def test_a_gpu_goes_before_the_cpu_and_an_empty_device_before_a_full_one() -> None:
    devices = [
        placing.DeviceCandidate("cpu", "cpu", 0),
        placing.DeviceCandidate("g0", "cuda", 2),
        placing.DeviceCandidate("g1", "cuda", 1),
    ]
    assert placing.choose("auto", devices, {}) == "g1"
    assert placing.choose("auto", devices, {"g1": 1}) == "g0"
    assert placing.choose("0", devices, {}) == "cpu"
    assert placing.choose("1", devices[:1], {}) is None
    assert placing.choose("auto", [], {}) is None
