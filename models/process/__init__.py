"""How our processes start children, and log. Used by the supervisor, the worker and the runner.

Doors: ``processes.spawn``, whose children die with their parent; ``logs.configure``.
"""
