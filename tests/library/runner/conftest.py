"""A line between a kernel's session and its runner's broker."""

from collections.abc import AsyncIterator

import pytest
from kernel_line import Line, connected
from scripted_gateway import ScriptedGateway
from support.confining import confining

__all__ = ["confining", "line"]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A line to a gateway that answers every query with nothing special."""
    async with connected(ScriptedGateway({"/queries": [{"columns": [], "rows": []}]})) as made:
        yield made
