"""The worker process (``python -m workers.device``): Celery's consumer of one device's queue. It never imports an
engine.

``host`` owns the device, ``runner_process`` is its handle on one runner, ``residency`` decides what is resident,
``claimer`` claims jobs, ``heartbeat`` reports what the device holds.
"""
