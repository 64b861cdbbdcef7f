"""Counts and durations for Prometheus; every label has a bounded set of values."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_COUNTERS = {
    "queries": ("Guarded queries by outcome.", ("outcome",)),
    "actions": ("Actions carried out, by outcome.", ("outcome",)),
    "votes": ("Votes by outcome: approve, deny, or the code that refused them.", ("outcome",)),
    "breaks": ("Broken glass by outcome: broken, or the code that refused it.", ("outcome",)),
    "notices": ("Notices told outside, by outcome.", ("outcome",)),
    "heard": ("What people did in a chat: new, told again, or left.", ("outcome",)),
    "requests": ("HTTP requests by route and status.", ("route", "status")),
    "masked": ("Secrets masked in what people and programs said, by rule.", ("rule",)),
    "alarms": ("What a person should look at: malfunctions, and broken glass.", ("kind",)),
}
_HISTOGRAMS = {
    "query_seconds": ("Time a target took to answer.", ()),
    "decision_seconds": ("Time from a request to the vote that decided it.", ("outcome",)),
    "request_seconds": ("Time a request took.", ("route",)),
}


class PrometheusMeter:
    """Implements `service.ports.Meter` with a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {
            name: Counter(f"interlock_{name}", about, labels, registry=self.registry)
            for name, (about, labels) in _COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(f"interlock_{name}", about, labels, registry=self.registry)
            for name, (about, labels) in _HISTOGRAMS.items()
        }

    def count(self, name: str, **labels: str) -> None:
        """Add one."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc()

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Record a duration in seconds."""
        histogram = self._histograms[name]
        (histogram.labels(**labels) if labels else histogram).observe(seconds)

    def exposition(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
