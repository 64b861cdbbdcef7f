"""Prints what every hunt saw, also when it found nothing."""

from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write one line per hunt below pytest's own summary."""
    reports = [
        one for word in ("passed", "failed") for one in terminalreporter.stats.get(word, [])
    ]
    for report in reports:
        for name, value in report.user_properties:
            if name == "hunt" and report.when == "call":
                terminalreporter.write_line(f"fuzz {value}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the second hunt last: xdist gives neighbours to one worker, one after the other."""
    for item in [item for item in items if item.path.name == "test_hunts.py"][1::2]:
        items.remove(item)
        items.append(item)


@pytest.fixture
def told(record_property: Any) -> Any:
    """Records a hunt's figures for the summary."""
    return lambda tally: record_property("hunt", str(tally))
