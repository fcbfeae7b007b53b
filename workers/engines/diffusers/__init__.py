"""The engine diffusers: images. Runs in the runner. Door: ``engine.Diffusers``.

``plan`` turns a request into what is to be drawn, ``batch`` decides what is drawn together, and ``draw`` draws it.
"""

from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of transformers that imports it
