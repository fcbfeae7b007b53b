"""Decodes pictures and recordings within bounds, and encodes sound. Runs in the runner.

Engines use all modules; ``workers.runner.media_intake`` uses ``pictures`` and ``recording``.
"""
