"""Prometheus metrics of this gateway, and of the replicas as their workers report them."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.gateway.replies import Replies
from api.gateway.routing_table import RoutingTable
from models.redis.presence import Replica

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """What the gateway itself counts and measures."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        both = ["model", "modality"]
        self.requests = Counter("headrace_requests", "Requests by outcome", [*both, "code"], registry=registry)
        self.first = Histogram(
            "headrace_first_byte_seconds", "To the first byte", both, registry=registry, buckets=_SECONDS
        )
        self.duration = Histogram(
            "headrace_request_seconds", "To the last byte", both, registry=registry, buckets=_SECONDS
        )
        self.tokens = Counter("headrace_tokens", "Tokens read and written", ["model", "kind"], registry=registry)
        self.inflight = Gauge("headrace_requests_inflight", "Requests in flight", both, registry=registry)
        self.hangups = Counter("headrace_client_hangups", "Clients that left early", ["model"], registry=registry)
        self.jobs = Gauge("headrace_jobs", "Jobs that wait or run", ["model", "state"], registry=registry)
        self.ignored = Counter(
            "headrace_ignored_fields", "Fields of requests that have no effect", ["endpoint"], registry=registry
        )
        self.moved = Counter("headrace_moved", "Sent on to a replica with less to do", ["model"], registry=registry)
        self.retries = Counter("headrace_retries", "Sent to a second replica", ["model"], registry=registry)

    def queue(self, counts: dict[tuple[str, str], int]) -> None:
        """Show how many jobs wait and run, by model and state."""
        self.jobs.clear()
        for (uid, state), count in counts.items():
            self.jobs.labels(uid, state).set(count)


METRICS = Metrics()


class ReplicaCollector(Collector):
    """What the workers report, as metrics labelled by device, model and replica."""

    def __init__(self, routing_table: RoutingTable, replies: Replies) -> None:
        self._routing_table = routing_table
        self._replies = replies

    def collect(self) -> Iterable[Metric]:
        """The metric families, made anew for each scrape."""
        labels = ["device", "model", "replica"]
        yield GaugeMetricFamily("headrace_devices_alive", "Devices heard of", len(self._routing_table.devices()))
        yield GaugeMetricFamily("headrace_broker_connected", "Whether Redis is heard", float(self._replies.connected))
        yield CounterMetricFamily("headrace_stream_gaps", "Gaps that were asked for again", self._replies.gaps)
        gauges: dict[str, Callable[[Replica], float]] = {
            "headrace_replica_ready": lambda one: float(one.state == "ready"),
            "headrace_replica_inflight": lambda one: one.inflight,
            "headrace_replica_outstanding_tokens": lambda one: one.outstanding_tokens,
            "headrace_replica_memory_bytes": lambda one: one.memory_bytes,
        }
        for name, read in gauges.items():
            family = GaugeMetricFamily(name, name.removeprefix("headrace_").replace("_", " "), labels=labels)
            for device, one in self._routing_table.replicas():
                family.add_metric([device, one.uid, one.id], read(one))
            yield family
        yield from self._counters(labels)

    def _counters(self, labels: list[str]) -> Iterator[Metric]:
        counting: dict[str, list[tuple[str, Replica]]] = {}
        for device, one in self._routing_table.replicas():
            for name in one.counters:
                counting.setdefault(name, []).append((device, one))
        for name, replicas in sorted(counting.items()):
            family = CounterMetricFamily(f"headrace_engine_{name}", f"engine's {name}", labels=labels)
            for device, one in replicas:
                family.add_metric([device, one.uid, one.id], one.counters[name])
            yield family


def exposition() -> bytes:
    """All metrics in Prometheus's text format."""
    return generate_latest(METRICS.registry)
