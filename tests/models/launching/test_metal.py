"""The GPU of a Mac, decided from what is known of the machine."""

import platform
import sys

import psutil
import pytest

from models.launching import metal
from models.launching.metal import Mac, device, why_not

GIB = 1 << 30
M2 = Mac("darwin", "arm64", "14.5", 16 * GIB, "Apple M2")


@pytest.mark.parametrize(
    ("mac", "total"),
    [
        (M2, 16 * GIB * 2 // 3),
        (M2._replace(ram_bytes=36 * GIB), 24 * GIB),
        (M2._replace(ram_bytes=48 * GIB), 36 * GIB),
        (M2._replace(ram_bytes=128 * GIB, release="26.1"), 96 * GIB),
        (M2._replace(wired_limit_mb=14_000), 14_000 << 20),
        (M2._replace(wired_limit_mb=64_000), 16 * GIB),
        (M2._replace(release="14.0"), 16 * GIB * 2 // 3),
        (M2._replace(release="15"), 16 * GIB * 2 // 3),
    ],
)
def test_what_the_gpu_may_take(mac: Mac, total: int) -> None:
    found = device(mac)

    assert found is not None
    assert (found.kind, found.name, found.label) == ("metal", "metal", "Apple M2 (Metal)")
    assert found.total_bytes == total
    assert not why_not(mac)


@pytest.mark.parametrize(
    ("mac", "why"),
    [
        (M2._replace(release="13.7.1"), "macOS 13.7.1 is too old"),
        (M2._replace(machine="x86_64", chip="Intel(R) Core(TM) i9"), "Intel processor cannot be used"),
        (M2._replace(machine="x86_64", translated=True), "under Rosetta"),
        (M2._replace(release=""), "too old"),
    ],
)
def test_a_mac_whose_gpu_cannot_be_used_says_why(mac: Mac, why: str) -> None:
    assert device(mac) is None
    assert why in why_not(mac)


def test_another_machine_has_none_and_says_nothing() -> None:
    linux = Mac("linux", "aarch64", "", 16 * GIB)

    assert device(linux) is None
    assert why_not(linux) == ""
    if sys.platform == "linux":
        assert metal.find() == (None, "")


def test_a_mac_is_asked_by_sysctl(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"machdep.cpu.brand_string": "Apple M4 Max", "iogpu.wired_limit_mb": "30000", "sysctl.proc_translated": "0"}
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.2", ("", "", ""), "arm64"))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"total": 64 * GIB}))
    monkeypatch.setattr(metal, "ask", lambda name: said.get(name, ""))

    assert metal.find() == (metal.MetalDevice("Apple M4 Max (Metal)", 30_000 << 20), "")
    said.clear()  # an older system does not know the names
    assert metal.find() == (metal.MetalDevice("Apple silicon (Metal)", 48 * GIB), "")


def test_the_reader_gets_what_the_program_says_or_nothing() -> None:
    assert metal.ask("iogpu.wired_limit_mb", "/bin/echo") == "iogpu.wired_limit_mb"
    assert metal.ask("x", "/bin/false") == ""
    assert metal.ask("x", "/no/such/program") == ""
