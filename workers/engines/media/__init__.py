"""Decodes pictures and recordings within bounds, and encodes sound. Runs in the runner.

Engines use all three modules: ``pictures``, ``recording`` and ``sound``. ``workers.runner.media_intake`` uses the first
two.
"""
