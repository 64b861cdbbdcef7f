"""The one live card of a call that waits for people. Standard library only.

A notebook shows it once, changes it in place and folds it to one line when the wait has ended.
It is text and nothing else: what decides is elsewhere, so there is nothing here to press.
"""

import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Any

Publish = Callable[..., object]
"""IPython's way to show something: `data`, `transient`, `update`."""

_LEFT = "○ {name}: this call does not wait any more; the request itself is not taken back"


class Card:
    """Shows what a call waits for: `line` where nothing can be changed in place, else `text`.

    Arguments:
        say: prints a line, where there is no notebook.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._publish = _publisher()
        self._number = f"interlock-{secrets.token_hex(8)}"
        self._name = ""
        self._shown = ""

    def show(self, card: Mapping[str, Any], line: str) -> None:
        """Show the card as it is now; one that has `ended` is left as it is from then on."""
        text = str(card.get("text") or line)
        if self._publish is None:
            self._say(line)
        elif text != self._shown:
            self._put(self._publish, text)
        self._name = "" if card.get("ended") else str(card.get("name") or "")

    def leave(self) -> None:
        """Say on a card that has not ended that nobody waits behind it."""
        if self._name and self._publish is not None:
            self._put(self._publish, _LEFT.format(name=self._name))
        self._name = ""

    def _put(self, publish: Publish, text: str) -> None:
        publish(
            data={"text/plain": text},
            transient={"display_id": self._number},
            update=bool(self._shown),
        )
        self._shown = text


def _publisher() -> Publish | None:
    """Return how this process shows something in a notebook, or None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(getattr(shell, "display_pub", None), "publish", None)
