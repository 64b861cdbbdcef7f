"""Tests that need a machine which confines processes."""

import os

import pytest
from interlock.confine import Rung, probe


@pytest.fixture(scope="session")
def confining() -> None:
    """Skip where nothing can be confined; in CI that is a failure."""
    reach = probe()
    if reach.rung is Rung.UNCONFINED and os.environ.get("CI") == "true":
        pytest.fail(reach.why, pytrace=False)
    if reach.rung is Rung.UNCONFINED:
        pytest.skip(f"{reach.why} Install Linux 6.2 or newer.")
