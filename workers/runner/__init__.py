"""The runner process (``python -m workers.runner FD``): the child of a worker that holds one replica's engine.

``requests`` and ``jobs`` ask the engine and pass on what it says; ``publisher`` sends it to Redis.
"""
