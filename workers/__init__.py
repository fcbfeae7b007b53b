"""The device side: the worker process that owns a device, the runner processes that hold its models, and the steward.

Each of ``device``, ``runner`` and ``steward`` is a process, and none imports another. ``protocol`` has the messages
between worker and runner; ``wakeups`` is used by worker and steward; ``engines`` runs in the runner alone.
"""
