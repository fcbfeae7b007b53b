"""``python -m bench.gpu``: the figures of a machine with a GPU, in nine minutes at most and without a network."""
