"""The device side: the worker process that owns a device, the runner processes that hold its models, and the steward.

Each of ``device``, ``runner`` and ``steward`` is a process and none imports another; ``protocol`` is what worker
and runner say to each other; ``engines`` runs in the runner alone.
"""
