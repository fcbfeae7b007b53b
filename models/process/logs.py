"""Logging, the same in every process: to stderr, in UTC, one line for each record."""

import logging
import time


def configure(level: str) -> None:
    """Log to stderr from this level on ("debug", "info", "warning", "error")."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for noisy in ("httpx", "httpcore", "asyncio", "alembic", "celery.app.trace", "celery.worker.strategy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
