"""The child of `secret_scanner.py`: texts in, places of secrets out; it keeps nothing of either.

The catalogue is compiled once and kept on disk by the library, in the account's own cache; it
holds rules and no text. Nothing here validates a finding, and nothing could: once the rules are
there, the process cannot open another file or socket.
"""

import os
import resource
import signal
from collections.abc import Iterator
from typing import Any, NoReturn

from kingfisher_sdk import DetectionPolicy, Rules, Scanner

from interlock_gateway.adapters import secret_rules
from interlock_gateway.adapters.confined import Line, confine

MEMORY = 1 << 30
"""Bytes that it may ask for, beside its libraries."""

_CACHE = 64 << 20  # bytes of the catalogue, compiled, as the library keeps it on disk
_TEXT_S = 4.0
"""Seconds for one text; after that it is said to be unreadable, and the next one is looked at."""


def main() -> None:
    """Answer until the gateway hangs up."""
    line = Line()
    confine(MEMORY, longest_file=_CACHE)
    scanning = Scanning()
    signal.signal(signal.SIGALRM, _late)
    open_nothing_more()
    line.say({"ready": True})
    while (question := line.hear()) is not None:
        line.say({"found": [_in_time(scanning, text) for text in question["texts"]]})


def open_nothing_more() -> None:
    """Let this process open no further file, pipe or socket."""
    lowest = os.dup(0)
    os.close(lowest)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, min(lowest, hard)))


def _in_time(scanning: "Scanning", text: str) -> list[list[Any]] | None:
    """Return what is found in `text`; None where that takes too long."""
    signal.setitimer(signal.ITIMER_REAL, _TEXT_S)
    try:
        return scanning.found(text)
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _late(_number: int, _frame: object) -> NoReturn:
    raise TimeoutError


class Scanning:
    """Both sets of rules over one text after another."""

    def __init__(self) -> None:
        """Compile the rules: seconds the first time on a machine, then less than one."""
        policy = DetectionPolicy(inline_ignores=False, markup_context=False)
        self._catalogue = Scanner(Rules(), redact=True, policy=policy)
        self._own = secret_rules.Rules(secret_rules.load())

    def found(self, text: str) -> list[list[Any]]:
        """Return [start, end, rule] for each secret in `text`, in characters."""
        data = text.encode("utf-8", "surrogatepass")
        spans = sorted({*self._own.scan(data), *self._known(data)})
        return _in_characters(text, data, spans)

    def _known(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        for finding in self._catalogue.scan(data, timeout=_TEXT_S):
            place = finding.location
            yield place["start_offset"], place["end_offset"], finding.rule_id


def _in_characters(text: str, data: bytes, spans: list[tuple[int, int, str]]) -> list[list[Any]]:
    """Return spans of bytes as spans of characters; the text is decoded once, piece by piece."""
    if len(data) == len(text):
        return [list(span) for span in spans]
    places = sorted({place for start, end, _ in spans for place in (start, end)})
    characters, at, count = {}, 0, 0
    for place in places:
        count += len(data[at:place].decode("utf-8", "surrogatepass"))
        characters[place], at = count, place
    return [[characters[start], characters[end], rule] for start, end, rule in spans]


if __name__ == "__main__":
    main()
