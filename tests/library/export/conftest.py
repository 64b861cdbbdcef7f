"""What the tests of exported pages share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.chromium import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched
