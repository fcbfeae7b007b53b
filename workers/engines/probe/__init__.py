"""Asks the libraries of engines whether they work on a device: ``python -m workers.engines.probe DEVICE [ENGINE…]``.

A library may end its process, or never answer, so a process of its own asks, under the interpreter of the engines and
with the environment of a runner. DEVICE is what a runner is told: ``cpu``, ``cuda:0`` or ``metal``. An answer is a line
of JSON, ``{ENGINE: {"works": …, "reason": …, "versions": {…}}}``, written as soon as it is known.
"""
