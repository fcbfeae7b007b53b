"""``headrace up``: everything on one machine, supervised, with an embedded Redis-compatible server.

Runs in the supervisor's process, the parent of gateway, workers, steward and server. Door: ``up.up``, which the command
line calls. ``process_specs`` has the command of each process, ``child`` decides about one process, ``supervisor`` acts
on all of them; ``home`` is the directory that holds all state.
"""
