"""The engine diffusers: images. Runs in the runner. Door: ``engine.Diffusers``."""
