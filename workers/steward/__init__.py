"""The steward process (``python -m workers.steward``): what one process must do for the whole platform.

It places replicas, sweeps lost attempts and old rows, feeds and ends batches, and delivers webhooks.
"""
