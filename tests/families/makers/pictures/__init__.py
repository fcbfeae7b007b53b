from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of transformers or diffusers that imports it
