"""How many CPU threads a runner takes."""

import pytest

from workers.engines.accelerator import threads
from workers.engines.accelerator.threads import host_threads, llama_cpp_most


@pytest.mark.parametrize(
    ("asked", "present", "layers", "on_gpu", "expected"),
    [
        (None, 128, None, True, 4),
        (None, 2, None, True, 2),
        (None, 128, 20, True, 16),
        (None, 128, 0, True, None),
        (None, 128, None, False, None),
        (64, 128, None, True, 64),
        (3, 128, None, False, 3),
    ],
)
def test_of_llama_cpp(asked: int | None, present: int, layers: int | None, on_gpu: bool, expected: int | None) -> None:
    assert host_threads(asked, present, llama_cpp_most(layers, on_gpu=on_gpu)) == expected


def test_of_pytorch_on_a_gpu() -> None:
    assert host_threads(None, 128, threads.TORCH_ON_GPU) == 8
    assert host_threads(None, threads.cores(), threads.TORCH_ON_GPU) == min(8, threads.cores())
