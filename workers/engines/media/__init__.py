"""Decodes pictures and recordings within bounds, encodes sound, and opens processors. Runs in the runner.

Engines use all modules; ``workers.runner.media_intake`` uses ``pictures`` and ``recording``.
"""
