"""The ledger: how many bytes a model needs, and which device has them. Used by gateway, runner and command line.

``estimate`` decides from what ``weights`` has read of the headers of files, on this machine or on a hub; ``fit``
compares that with what devices have. All arithmetic is pure; only ``weights`` and ``remote`` read.
"""
