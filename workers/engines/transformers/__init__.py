"""The engine transformers, with continuous batching: safetensors. Runs in the runner. Door: ``engine.Transformers``.

Models go through transformers' own batching (its manager) where ``ways`` says that it is exact, else through
``stepper``. Both hand their outputs to ``router``, which passes them to the event loop.
"""

from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of transformers that imports it
