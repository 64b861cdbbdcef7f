"""People at a desk, logged in or not."""

from pathlib import Path

import pytest
from desk import Desk


@pytest.fixture
def stranger(tmp_path: Path) -> Desk:
    """Somebody who never logged in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Desk(tmp_path / "home", folder)


@pytest.fixture
def desk(stranger: Desk) -> Desk:
    """A responder who is logged in as `you`."""
    stranger.login("you")
    return stranger
