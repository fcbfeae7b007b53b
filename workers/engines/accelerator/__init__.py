"""The numbers that suit an accelerator: dtype, sizes of batches and caches, threads, and what its errors mean.

Pure decisions over a ``Card``. ``torch_card`` alone asks a library.
"""
