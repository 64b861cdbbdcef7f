"""What Ctrl-C and being told to end do to a command that has started processes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Signals that end a command: noted at once, obeyed only where nothing is left half made.

    Inside the `with` block SIGINT, SIGTERM and SIGHUP are noted and interrupt nothing, so that
    what is being made or cleaned up is made or cleaned up whole. They raise KeyboardInterrupt in
    `obey()`, within `at_once()`, and at the latest at the block's end. A shell starts background
    commands with SIGINT ignored; inside the block it counts again.

    Examples:
        >>> with Ending() as ending, folder() as made, process(made):  # doctest: +SKIP
        ...     with ending.at_once():
        ...         wait_for_long()
    """

    def __init__(self) -> None:
        """Change nothing yet; the handlers are set for as long as the `with` block lasts."""
        self._asked = False
        self._obeying = False
        self._before: list[tuple[int, Any]] = []

    def __enter__(self) -> Self:
        self._before = [(number, signal.signal(number, self._note)) for number in _ENDINGS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler or signal.SIG_DFL)  # None: not set by Python
        self.obey()

    def obey(self) -> None:
        """Raise KeyboardInterrupt if a signal has come and was not obeyed yet."""
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal interrupt the block, as Ctrl-C does without us."""
        # asyncio ends its tasks in order only where it finds this very handler.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._obeying = True
        try:
            self.obey()
            yield
        finally:
            self._obeying = False
            signal.signal(signal.SIGINT, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._obeying:
            self._obeying = False  # once: what follows is cleaning up
            signal.raise_signal(signal.SIGINT)
        else:
            self._asked = True
