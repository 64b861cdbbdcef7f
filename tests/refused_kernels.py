"""A kernel on a machine whose Linux had promised to confine it, and then refuses."""

from collections.abc import Mapping
from typing import Any

from interlock.confine import CannotConfineError
from interlock.runner import kernel_main


def main(given: Mapping[str, Any]) -> None:
    """Try to serve."""

    def confine(*_: object) -> None:
        raise CannotConfineError("Linux has changed its mind.")

    setattr(kernel_main, "confine", confine)  # noqa: B010  in place of Linux
    kernel_main.main(given)
