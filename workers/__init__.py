"""The device side: a Celery worker that owns a device, and the runners that hold its models."""
