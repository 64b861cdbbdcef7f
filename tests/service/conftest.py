"""The gateway and its people, on both stores: the same specification holds for each."""

import pytest
from support.people import approver, asked, home, incident, look, responder, run

__all__ = ["approver", "asked", "home", "incident", "look", "responder", "run"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """Where the store is: the embedded one, or a fresh PostgreSQL database."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_store"))
