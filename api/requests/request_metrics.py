"""What one request adds to the metrics, from the time at which its model is known to its last byte."""

import time

from api.gateway.metrics import METRICS

CLIENT_GONE = 499
"""The status, in the log and the metrics, of a request whose client hung up (nginx's code)."""


class RequestMetrics:
    """A request in flight. ``code`` is how it ended: a status, or an error's code."""

    def __init__(self, uid: str, modality: str) -> None:
        self.code: str | int = CLIENT_GONE
        self._labels = (uid, modality)
        self._began = time.perf_counter()
        self._open = True
        METRICS.inflight.labels(*self._labels).inc()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request came."""
        return time.perf_counter() - self._began

    def first(self) -> None:
        """Measure the time to the first byte of the answer, which has just come."""
        METRICS.first.labels(*self._labels).observe(self.elapsed_s)

    def close(self) -> None:
        """Count the request as over. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        METRICS.inflight.labels(*self._labels).dec()
        METRICS.requests.labels(*self._labels, str(self.code)).inc()
        METRICS.duration.labels(*self._labels).observe(self.elapsed_s)
        if self.code == CLIENT_GONE:
            METRICS.hangups.labels(self._labels[0]).inc()
