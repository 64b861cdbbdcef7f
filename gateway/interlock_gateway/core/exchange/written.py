"""A request as approvers read it and as it is kept: one text, from which exactly it is sent.

    PATCH https://cluster.example.com/apis/apps/v1/namespaces/shop/deployments/web
    Content-Type: application/merge-patch+json

    {
      "spec": {"replicas": 3}
    }

    answer
    status 200
    column "replicas" integer "/spec/replicas"

The body is sent as it stands there, byte for byte. Reading the text back gives the request that
wrote it, or an error: there is no second way to write anything.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock_gateway.core.endpoint import Base, Request
from interlock_gateway.core.exchange.errors import ExchangeError
from interlock_gateway.core.exchange.selection import Condition, Selection, Shown

MUTATING = ("POST", "PUT", "PATCH", "DELETE")
"""Methods that change something."""

METHODS = ("GET", *MUTATING)

_MEDIA = "Content-Type"
_ANSWER = "answer"
_LINE = re.compile(rf"({'|'.join(METHODS)}) (https?://[\x21-\x7e]+)")
IDEMPOTENCY = ("Idempotency-Key", "X-Idempotency-Key", "X-Request-Id")
"""Header fields by which vendors know a repeated request."""

_NAMES = "|".join((_MEDIA, "If-Match", *IDEMPOTENCY))
_FIELD = re.compile(rf"({_NAMES}): ([\x20-\x7e]*)")


@dataclass(frozen=True, slots=True)
class Written:
    """One request with nothing left open.

    Attributes:
        method, url: the request line; the URL with the target's base and the query.
        fields: header fields beside those that every request has.
        media: the media type of the body, "" where there is none.
        body: JSON as it is sent, or "".
        selection: how its answer is read.
    """

    method: str
    url: str
    fields: tuple[tuple[str, str], ...] = ()
    media: str = ""
    body: str = ""
    selection: Selection = field(default_factory=Selection)

    @property
    def text(self) -> str:
        """The one text that stands for it."""
        return "\n".join(self._lines())

    @property
    def mutating(self) -> bool:
        """Whether its method says that it changes something."""
        return self.method != "GET"

    @property
    def query(self) -> tuple[str, ...]:
        """The pairs of its query as they are sent."""
        return tuple(filter(None, self.url.partition("?")[2].split("&")))

    def request(self, base: Base) -> Request:
        """Return what the guarded client sends.

        Raises:
            ExchangeError: it was written for another base than this one.
        """
        if not self.is_below(base):
            raise ExchangeError(f"It is addressed to {self.url[:200]}, and not to {base}.")
        path = base.path + self.url.removeprefix(str(base))
        body = self.body.encode() if self.body else None
        return Request(self.method, path, body, self.media or "application/json", self.fields)

    def is_below(self, base: Base) -> bool:
        """Tell whether it goes to what `base` says, and nowhere else."""
        return self.url.startswith(f"{base}/")

    def _lines(self) -> Iterator[str]:
        yield f"{self.method} {self.url}"
        if self.media:
            yield f"{_MEDIA}: {self.media}"
        yield from (f"{name}: {value}" for name, value in self.fields)
        if self.body:
            yield from ("", self.body)
        yield from ("", _ANSWER, *_answer(self.selection))


def pretty(body: Any) -> str:
    """Return a body as it is sent: JSON on as many lines as a person needs.

    Raises:
        ExchangeError: half a character, or a number that JSON cannot say.
    """
    try:
        text = json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError as error:  # half a character is a UnicodeEncodeError, which is one
        raise ExchangeError(f"This cannot be sent as JSON: {type(error).__name__}.") from None
    return text


def understood(text: str) -> Written:
    """Return the request that `Written.text` wrote.

    Raises:
        ExchangeError: this text is none, or is written another way.
    """
    head, _, answer = text.rpartition(f"\n\n{_ANSWER}\n")
    fields, _, body = head.partition("\n\n")
    line, *more = fields.split("\n")
    found = _LINE.fullmatch(line)
    pairs = [_FIELD.fullmatch(one) for one in more]
    if found is None or None in pairs:
        raise ExchangeError("This is no request.")
    named = [(pair[1], pair[2]) for pair in pairs if pair]
    media = named.pop(0)[1] if named and named[0][0] == _MEDIA else ""
    if any(name == _MEDIA for name, _ in named):
        raise ExchangeError("This request says twice what its body is.")
    try:
        selection = _selection(answer.split("\n"))
        written = Written(found[1], found[2], tuple(named), media, body, selection)
    except (ValueError, IndexError, TypeError) as error:
        raise ExchangeError("How its answer is read cannot be read itself.") from error
    if written.text != text:
        raise ExchangeError("This request is not written the one way in which it is kept.")
    return written


# --- how the answer is read -------------------------------------------------------------------


def _answer(selection: Selection) -> Iterator[str]:
    yield " ".join(("status", *map(str, selection.status)))
    if selection.changed:
        yield " ".join(("changed", *map(str, selection.changed)))
    if selection.rows is not None:
        yield f"rows {_json(selection.rows)}"
    for one in selection.where:
        yield f"where {_json(one.at)} {one.test} {_json(one.value)}"
    for column in selection.columns:
        yield f"column {_json(column.name)} {column.type} {_json(column.at)}"


def _selection(lines: list[str]) -> Selection:
    status: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    rows, where, columns = None, [], []
    for line in lines:
        word, _, rest = line.partition(" ")
        match word:
            case "status":
                status = tuple(map(int, rest.split(" ")))
            case "changed":
                changed = tuple(map(int, rest.split(" ")))
            case "rows":
                rows = json.loads(rest)
            case "where":
                where.append(Condition(*_three(rest)))
            case "column":
                columns.append(Shown(*_three(rest)))
            case _:
                raise ValueError(word)
    return Selection(status, changed, rows, tuple(where), tuple(columns))


def _three(rest: str) -> tuple[str, str, Any]:
    """Return a JSON text, a word, and a JSON value."""
    first, end = json.JSONDecoder().raw_decode(rest)
    word, _, last = rest[end + 1 :].partition(" ")
    return str(first), word, json.loads(last)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
