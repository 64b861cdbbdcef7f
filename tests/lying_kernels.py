"""A kernel that is not confined and says that it is; a runner starts it in place of a real one."""

from collections.abc import Mapping
from typing import Any

from interlock.runner import kernel_main


def main(given: Mapping[str, Any]) -> None:
    """Serve without confining anything, and say that it was done."""
    setattr(kernel_main, "confine", lambda *_: None)  # noqa: B010  that is the lie
    kernel_main.main(given)
