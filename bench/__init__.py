"""``make bench``: what the platform costs on top of the engine that it serves. One run measures both in turns.

Runs in a process of its own, which starts the platform as users do.
"""
