"""The files in which voices come, and those that hold none."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.errors import InvalidRequest
from workers.engines.kokoro.styles import voices_in

TABLE = np.random.default_rng(1).normal(size=(510, 1, 256)).astype(np.float32)


def archive(**held: Any) -> bytes:
    """An archive of numpy."""
    made = io.BytesIO()
    np.savez(made, **held)
    return made.getvalue()


def put(path: Path, write: Callable[[Path], object]) -> Path:
    """The folder of a new file."""
    path.parent.mkdir(exist_ok=True)
    write(path)
    return path.parent


def test_voices_come_as_files_of_several_kinds(tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    put(voices / "af_a.bin", lambda path: path.write_bytes(TABLE.tobytes()))
    put(voices / "bf_b.npy", lambda path: np.save(path, TABLE * 2))
    put(voices / "jf_c.pt", lambda path: torch.save(torch.from_numpy(TABLE * 3), path))
    put(voices / "README.md", lambda path: path.touch())
    put(tmp_path / "voices-v1.0.bin", lambda path: path.write_bytes(archive(zf_d=TABLE * 4)))
    put(tmp_path / "voices_more.npz", lambda path: np.savez(path, pf_e=TABLE[:, 0].astype(np.float16)))

    found = voices_in(tmp_path)

    assert list(found) == ["af_a", "bf_b", "jf_c", "pf_e", "zf_d"]
    assert all(one.shape == (510, 256) and one.dtype == np.float32 for one in found.values())
    for name, factor in (("af_a", 1), ("bf_b", 2), ("jf_c", 3), ("zf_d", 4)):
        assert np.array_equal(found[name], TABLE[:, 0] * factor), name
    assert voices_in(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("voices/a.bin", lambda path: path.write_bytes(b"x" * 1025)),
        ("voices/a.bin", lambda path: path.touch()),
        ("voices/a.bin", lambda path: path.write_bytes(np.full(256, np.nan, "<f4").tobytes())),
        ("voices/a.bin", lambda path: path.write_bytes(bytes(9 << 20))),
        ("voices/a.npy", lambda path: path.write_bytes(b"\x93NUMPY")),
        ("voices/a.npy", lambda path: np.save(path, np.zeros(256, np.int64))),
        ("voices/a.npy", lambda path: path.write_bytes(pickle.dumps(print))),
        ("voices/a.pt", lambda path: path.write_bytes(pickle.dumps(print))),
        ("voices/a.pt", lambda path: torch.save([torch.zeros(256), torch.ones(256)], path)),
        ("voices.npz", lambda path: path.write_bytes(b"PK\x03\x04")),
        ("voices.npz", lambda path: np.savez(path, a=np.array([print], object))),
        ("voices.bin", lambda path: path.write_bytes(b"GGUF")),
    ],
)
def test_what_is_no_voice_is_refused(tmp_path: Path, name: str, write: Callable[[Path], object]) -> None:
    put(tmp_path / name, write)

    with pytest.raises(InvalidRequest) as caught:
        voices_in(tmp_path)

    assert caught.value.param == "model_path"
    assert str(tmp_path) not in caught.value.message
