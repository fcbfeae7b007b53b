"""Lets torchvision be imported in every process that vLLM starts, as ``torchvision_build`` does in the runner.

Python imports a module of this name when it starts, where its ``PYTHONPATH`` names this folder. So that costs nothing,
that one file is run, without the packages that it lies in.
"""

import runpy
from pathlib import Path

_kept = runpy.run_path(str(Path(__file__).parents[2] / "accelerator" / "torchvision_build.py"))
"""The operators are declared as long as that file's list of them is held."""
_kept["make_importable"]()
