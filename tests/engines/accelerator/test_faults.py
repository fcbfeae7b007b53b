"""Which errors cost a request, and which a runner."""

import pytest

from workers.engines.accelerator.faults import device_lost, out_of_memory


@pytest.mark.parametrize(
    ("words", "memory", "lost"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15 GiB", True, False),
        ("CUDA error: out of memory", True, False),
        ("CUDA failed with error out of memory", True, False),
        ("MPS backend out of memory (MPS allocated: 9 GB)", True, False),
        ("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory", True, False),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True, False),
        ("CUDA error: device-side assert triggered", False, True),
        ("CUDA error: an illegal memory access was encountered", False, True),
        ("cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED", False, True),
        ("Library libcublas.so.12 is not found or cannot be loaded", False, True),
        ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", False, True),
        ("Expected all tensors to be on the same device, but found cuda:0 and cpu", False, False),
        ("shape '[2, 3]' is invalid for input of size 5", False, False),
    ],
)
def test_an_error_is_one_of_memory_or_of_the_device_or_neither(words: str, memory: bool, lost: bool) -> None:
    assert (out_of_memory(RuntimeError(words)), device_lost(RuntimeError(words))) == (memory, lost)
