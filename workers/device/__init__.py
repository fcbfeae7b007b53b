"""The worker process (``python -m workers.device``): Celery's consumer of one device's queue.

It never imports an engine, and no other package imports it. ``host`` owns the device, ``runner_process`` is its handle
on one runner, and ``residency`` decides which replicas have a runner. ``claimer`` claims jobs, and ``fairness`` decides
whose are next. ``heartbeat`` reports what the device holds, and ``healthcheck`` asks whether it does.
"""
