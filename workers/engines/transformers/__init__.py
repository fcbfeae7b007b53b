"""The engine transformers, with continuous batching: safetensors. Runs in the runner. Door: ``engine.Transformers``.

Text models go through transformers' own batching (its manager), models that see or hear through ``stepper``. Both hand
their outputs to ``router``, which passes them to the event loop.
"""

from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of transformers that imports it
