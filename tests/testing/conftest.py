"""The fake Slack, for its own tests."""

from collections.abc import Iterator

import pytest
from interlock.testing.slack import FakeSlack


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A fake Slack that gives an app less than half a second for its acknowledgements."""
    with FakeSlack(ack_seconds=0.4) as running:
        yield running
