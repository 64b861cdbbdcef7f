"""The gateway and its people, on the embedded store."""

import pytest
from support.people import approver, asked, home, incident, responder, run

__all__ = ["approver", "asked", "home", "incident", "responder", "run"]


@pytest.fixture
def store_url() -> str:
    """Where the store is: the embedded one."""
    return ""
