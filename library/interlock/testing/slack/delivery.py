"""One thing that Slack tells the app: an interaction, an event, a slash command."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["Delivery", "Kind", "NotAnswered"]

Kind: TypeAlias = Literal["interactive", "events_api", "slash_commands"]


class NotAnswered(TimeoutError):  # noqa: N818  what a test waited for in vain
    """The app did not acknowledge a delivery in time."""


@dataclass(slots=True, eq=False)
class Delivery:
    """What was sent to the app, how often, and what it answered.

    Attributes:
        envelope_id: what an acknowledgement names; the same in every try.
        kind: `interactive`, `events_api` or `slash_commands`.
        payload: what the app is told.
        tries: the connections it was sent over, in order: `socket 1`, `http`, `nowhere`.
        answer: what came back with the acknowledgement; empty where nothing did.
        state: waiting, acked, or lost after the last try.
    """

    envelope_id: str
    kind: Kind
    payload: Mapping[str, Any]
    then: Callable[["Delivery"], None] = lambda _: None
    tries: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    state: Literal["waiting", "acked", "lost"] = "waiting"
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def acked(self) -> bool:
        """Whether the app has acknowledged it."""
        return self.state == "acked"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be tried."""
        return self.state != "waiting"

    def ended(self, state: Literal["acked", "lost"], answer: Mapping[str, Any]) -> None:
        """Note how it ended; only the first end counts."""
        if self.state == "waiting":
            self.state, self.answer = state, dict(answer)
            self.then(self)
            self._over.set()

    def wait(self, seconds: float = 10.0) -> dict[str, Any]:
        """Return the app's answer once there is one; not from the event loop that answers.

        Raises:
            NotAnswered: the app did not acknowledge it, or not within `seconds`.
        """
        self._over.wait(seconds)
        if self.state != "acked":
            tries = ", ".join(self.tries) or "never sent"
            raise NotAnswered(f"The app did not acknowledge {self.kind} ({tries}).")
        return self.answer
