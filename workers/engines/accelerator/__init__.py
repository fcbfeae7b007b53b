"""The numbers that suit an accelerator: dtype, sizes of batches and caches, threads. Runs in the runner.

Doors, for engines: the pure decisions of ``precision``, ``memory`` and ``threads`` over a ``Card``; ``faults``, which
tells errors of memory from errors of the device; and ``torch_card``, which alone asks a library.
"""
