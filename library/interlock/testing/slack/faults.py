"""What can go wrong between an app and Slack, to be ordered beforehand.

A fault of the Web API is a value that says how one call ends; a fault of an envelope says how
one delivery goes. Both are queued and used up in order. An outage holds until it is over.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "CallFault", "EnvelopeFault", "Faults", "NoAnswer", "RateLimited", "Refusal", "ResetAfter",
    "ResetBefore", "ServerError", "Slow",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429 with `Retry-After`, in seconds; without effect."""

    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class ServerError:
    """A 5xx with a page instead of JSON.

    Attributes:
        after: whether the call had its effect all the same.
    """

    status: int = 503
    after: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """`ok: false` with a word such as `invalid_blocks`, and what is wrong."""

    error: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Silence, until the client gives up; `after`: the call had its effect all the same."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class ResetBefore:
    """The connection is reset; the call had no effect."""


@dataclass(frozen=True, slots=True)
class ResetAfter:
    """The connection is reset after the effect: posted, and the answer lost."""


@dataclass(frozen=True, slots=True)
class Slow:
    """The right answer, so many seconds late."""

    seconds: float


CallFault: TypeAlias = (
    RateLimited | ServerError | Refusal | NoAnswer | ResetBefore | ResetAfter | Slow
)
EnvelopeFault: TypeAlias = Literal["twice", "late", "after the next", "cut", "lost"]
"""How one delivery over Socket Mode goes wrong: sent twice; `late_seconds` late; after the one
that follows it; the socket is dropped in the middle of the frame; never sent, this once."""


class Faults:
    """The faults that are ordered and not used up yet.

    Attributes:
        late_seconds: how late a `late` envelope is.
        hello_seconds: how long a new socket waits for its `hello`.
    """

    def __init__(self) -> None:
        """Begin with nothing going wrong."""
        self.late_seconds = 0.5
        self.hello_seconds = 0.0
        self._calls: dict[str, deque[CallFault]] = {}
        self._envelopes: deque[EnvelopeFault] = deque()
        self._outage: CallFault | None = None
        self._revoked: set[str] = set()
        self._lock = threading.Lock()

    def next(self, method: str, fault: CallFault, *, times: int = 1) -> None:
        """Order that the next calls of a method end in `fault`.

        Args:
            method: such as `chat.postMessage`, or `*` for whichever comes.
            fault: how they end.
            times: how many.
        """
        with self._lock:
            self._calls.setdefault(method, deque()).extend([fault] * times)

    def next_envelope(self, *faults: EnvelopeFault) -> None:
        """Order how the next deliveries over a socket go wrong, one after the other."""
        with self._lock:
            self._envelopes.extend(faults)

    def goes_down(self, fault: CallFault | None = None) -> None:
        """Begin an outage: every call ends in `fault`, a reset unless said otherwise."""
        self._outage = fault or ResetBefore()

    def comes_back(self) -> None:
        """End an outage."""
        self._outage = None

    @contextmanager
    def outage(self, fault: CallFault | None = None) -> Iterator[None]:
        """Be down for as long as a `with` block lasts; sockets that are open stay open."""
        self.goes_down(fault)
        try:
            yield
        finally:
            self.comes_back()

    def revoke(self, token: str) -> None:
        """Make every later call with a token end in `token_revoked`."""
        self._revoked.add(token)

    def is_revoked(self, token: str) -> bool:
        """Tell whether a token was revoked."""
        return token in self._revoked

    @property
    def is_down(self) -> bool:
        """Whether an outage is on."""
        return self._outage is not None

    def of_call(self, method: str) -> CallFault | None:
        """Return how this call ends, if not well; uses the fault up."""
        if self._outage:
            return self._outage
        with self._lock:
            for name in (method, "*"):
                if self._calls.get(name):
                    return self._calls[name].popleft()
        return None

    def of_envelope(self) -> EnvelopeFault | None:
        """Return how this delivery goes wrong, if it does; uses the fault up."""
        with self._lock:
            return self._envelopes.popleft() if self._envelopes else None
