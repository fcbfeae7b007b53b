"""Models of transformers that see or hear: their processors, the pixels that they take, prompts with pictures in them.

Runs in the runner. Doors: ``reader``, ``pixels``.
"""
