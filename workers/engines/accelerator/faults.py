"""What the errors of libraries on an accelerator mean. They are told apart by their text: classes differ by library."""

_NO_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
_LOST = ("CUDA", "HIP error", "cuBLAS", "CUBLAS", "libcublas", "cuDNN", "CUDNN")


def out_of_memory(error: BaseException) -> bool:
    """Whether there was too little memory, on a GPU or on the host: less at once may succeed."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)


def kind_of(error: BaseException) -> str:
    """What clients are told of an error of a library: its text is for the log, since it may hold a path."""
    return "out of memory" if out_of_memory(error) else type(error).__name__


def lasting(error: BaseException) -> bool:
    """Whether the same would fail again: neither too little memory nor the device is to blame."""
    return not out_of_memory(error) and not device_lost(error)


def device_lost(error: BaseException) -> bool:
    """Whether every later call of this process would fail too, as after an assertion that failed on the device."""
    return not out_of_memory(error) and any(words in str(error) for words in _LOST)
