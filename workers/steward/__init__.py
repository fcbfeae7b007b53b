"""The steward process (``python -m workers.steward``): what one process must do for the whole platform.

No other package imports it. It gives replicas to devices (``placing``), sweeps lost attempts and old rows
(``sweeping``), feeds batches (``batch_feeder``), ends them (``batch_finaliser``), and delivers webhooks
(``webhook_delivery``).
"""
