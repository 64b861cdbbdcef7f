"""The four times and the waits, as rows of a Markdown summary."""

from collections.abc import Iterator

from interlock.export.account import Metric
from interlock.export.markdown_text import cell
from interlock.export.model import Postmortem


def metric_rows(pm: Postmortem) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield label, value and events of each figure; what it was read from stands beside it."""
    for metric in pm.metrics:
        yield cell(metric.label), cell(_value(metric)), metric.events


def _value(metric: Metric) -> str:
    return f"{metric.value}, {metric.read}" if metric.seconds is not None else metric.value
