"""CLIP's tokenizer and the configurations of Stable Diffusion, for checkpoints in one file, which bring neither.

Runs in the runner. Doors: ``tokenizer`` and ``layouts``.
"""
