"""Secrets are masked before anything is stored, shown or told.

Two layers. At the doors, where people, runners and chats bring their words, a scanner looks for
whatever looks like a secret. And with every unit of work, secrets whose values this gateway holds
are masked once more in each event and in the rows that repeat words: that one cannot be forgotten.

What is executed is never changed: of a statement, an argument or a cell the record is masked, the
execution is not. A text that cannot be scanned is withheld, and an alarm is counted.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from interlock_gateway.core.redaction import (
    FIELD,
    Known,
    Secret,
    Shape,
    Span,
    counted,
    is_weak,
    mark,
    masked,
)
from interlock_gateway.core.timeline import Draft, Part
from interlock_gateway.service.ports import Meter
from interlock_gateway.service.record import Record

R = TypeVar("R", bound=Record)

NOT_SCANNED = "not-scanned"
"""The rule of a text that is withheld, because nobody could say what is in it."""

MOST_CREDENTIALS, MOST_TOKENS = 1_000, 256
_JSON = "application/json"
_FRAMEWORK = frozenset(
    (
        *("status", "text", "next", "data", "ok", "info", "warn", "bad", "unknown", "kind"),
        *("output_type", "stream", "name", "stdout", "stderr", "error", "ename", "evalue"),
        *("traceback", "metadata", "execute_result", "display_data", "execution_count", "message"),
        *("text/plain", "text/html", "image/png", "application/json", "code", "type", "value"),
    )
)
"""Words that give a finding or an output its shape; they stay when the rest is withheld."""


class ScannerError(Exception):
    """Nobody can say what is in a text; it says why."""


class SecretScanner(Protocol):
    """Finds what looks like a secret, in bounded time."""

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return where secrets stand in each of `texts`, in characters.

        Raises:
            ScannerError: nobody can say.
        """
        ...


class NoScanner:
    """Finds nothing: for whoever brings no words of people, as tests of the store do."""

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return that there is nothing."""
        return [[] for _ in texts]


class Watched:
    """The secrets whose values this gateway holds: credentials of targets, and tokens of people.

    Values are in memory alone. Units of work ask from the store's thread: each state has a number,
    and a search that was compiled for an older one is compiled anew.
    """

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._credentials: OrderedDict[str, None] = OrderedDict()
        self._tokens: OrderedDict[str, None] = OrderedDict()
        self._state = 0
        self._compiled = (0, Known(()))

    def __repr__(self) -> str:
        """Return how many there are, and none of them."""
        return f"Watched({len(self._credentials)} credentials, {len(self._tokens)} tokens)"

    def credential(self, *values: str) -> None:
        """Watch what a reference resolved to, from its first use on; also after it was rotated."""
        self._add(self._credentials, values, MOST_CREDENTIALS)

    def token(self, *values: str) -> None:
        """Watch a key, a cookie, a run's token or a one-time code; of many the latest."""
        self._add(self._tokens, values, MOST_TOKENS)

    @property
    def known(self) -> Known:
        """The compiled search for all of them."""
        state, known = self._compiled
        if state != self._state:
            state = self._state
            known = Known(map(Secret, (*tuple(self._credentials), *tuple(self._tokens))))
            self._compiled = (state, known)
        return known

    @property
    def weak(self) -> int:
        """How many credentials are too short, or a word: they are masked only where named."""
        return sum(map(is_weak, tuple(self._credentials)))

    def __len__(self) -> int:
        """Return how many are watched."""
        return len(self._credentials) + len(self._tokens)

    def _add(self, kept: OrderedDict[str, None], values: Iterable[str], most: int) -> None:
        for value in filter(str.strip, values):
            if value not in kept:
                kept[value] = None
                self._state += 1
            kept.move_to_end(value)
        while len(kept) > most:
            kept.popitem(last=False)
            self._state += 1


@dataclass(frozen=True, slots=True)
class _Noticed:
    """What was found in what a request executes: the record is masked by it, nothing else is."""

    known: Known
    withheld: bool = False


_NOTHING = _Noticed(Known(()))
_noticed: ContextVar[_Noticed] = ContextVar("interlock_noticed", default=_NOTHING)

_ANSWERS = frozenset({"result", "before", "verify", "trial", "preview"})
"""Parts that come from a target: known secrets were masked in them before they were delivered."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A value as it may be stored, and how often each rule masked something in it."""

    value: Any
    rules: Counter[str] = field(default_factory=Counter)


class Redaction:
    """Masks secrets: at the doors with a scanner, everywhere those that are known."""

    def __init__(self, watched: Watched, scanner: SecretScanner, meter: Meter) -> None:
        self.watched = watched
        self._scanner = scanner
        self._meter = meter

    async def masked(self, value: Any) -> Masked:
        """Return a text or a JSON value as it may be stored; its shape stays.

        What cannot be scanned is withheld: a mark stands in place of every text in it.
        """
        shape = Shape(value)
        try:
            found = await self._found(shape)
        except ScannerError:
            return Masked(shape.replaced(_withheld), Counter({NOT_SCANNED: 1}))
        kept = shape.masked(found, named=True)
        rules = _fresh(value, kept)
        for rule in rules.elements():
            self._meter.count("masked", rule=rule)
        return Masked(kept, rules)

    async def noticing(self, *values: Any) -> AbstractContextManager[None]:
        """Return a context in which the record is masked by what is found in `values`.

        They are executed as they are; whatever is written down meanwhile, here and in tasks that
        begin here, has marks in place of the secrets in them.
        """
        shape = Shape([value for value in values if value])
        texts = shape.texts
        try:
            found = await self._scanned(texts)
        except ScannerError:
            return _recording(_Noticed(_NOTHING.known, withheld=True))
        secrets = [
            Secret(text[span.start : span.end], span.rule, sure=False)
            for text, spans in zip(texts, found, strict=True)
            for span in spans
        ]
        secrets += [Secret(value, FIELD, sure=False) for value in shape.named]
        if any(one.rule == NOT_SCANNED for one in secrets):
            return _recording(_Noticed(_NOTHING.known, withheld=True))
        return _recording(_Noticed(Known(secrets)) if secrets else _NOTHING)

    def holds_known(self, value: Any) -> bool:
        """Tell whether a value holds a secret of this gateway's own."""
        known = self.watched.known
        return any(span.sure for text in Shape(value).texts for span in known.spans(text))

    def known(self, value: Any) -> Any:
        """Return a value with the secrets masked that this gateway holds, or was just sent.

        What is delivered is then what is recorded, also where a statement held a secret.
        """
        return _cleaned(value, [self.watched.known, _noticed.get().known])

    def line(self, text: str) -> str:
        """Return a line of a log, or an error's words, with known secrets masked."""
        for known in (self.watched.known, _noticed.get().known):
            text = masked(text, known.spans(text))
        return text

    def draft(self, draft: Draft) -> Draft:
        """Return an event as it may be stored; `masked` in its data counts the marks in it."""
        noticed = _noticed.get()
        known = [one for one in (self.watched.known, noticed.known) if one]
        parts = {name: _part(part, known) for name, part in draft.parts.items()}
        if noticed.withheld:
            withheld = Part(json.dumps(mark(NOT_SCANNED)).encode(), _JSON)
            parts = {name: part if name in _ANSWERS else withheld for name, part in parts.items()}
        data = _cleaned(dict(draft.data), known)
        marks = {name: dict(found) for name, part in parts.items() if (found := _marks(part))}
        if not marks and data == draft.data and parts == draft.parts:
            return draft
        told = {"masked": marks} if marks else {}
        return replace(draft, data={**data, **told}, parts=parts)

    def row(self, values: Mapping[str, object], words: Sequence[str]) -> dict[str, object]:
        """Return the columns of a row as they may be stored: `words` name those that repeat texts.

        Bytes and texts that are JSON keep their shape.
        """
        known = [one for one in (self.watched.known, _noticed.get().known) if one]
        out = dict(values)
        for name in words if known else ():
            if out.get(name):
                out[name] = _column(out[name], known)
        return out

    async def _found(self, shape: Shape) -> list[list[Span]]:
        texts = shape.texts
        scanned = await self._scanned(texts)
        known = self.watched.known
        return [[*known.spans(text), *spans] for text, spans in zip(texts, scanned, strict=True)]

    async def _scanned(self, texts: Sequence[str]) -> list[list[Span]]:
        try:
            return await self._scanner.scan(texts)
        except ScannerError:
            self._meter.count("alarms", kind="redaction")
            raise


@contextmanager
def _recording(noticed: _Noticed) -> Iterator[None]:
    """Have what is recorded meanwhile masked by what was noticed, beside what was before."""
    token = _noticed.set(noticed)
    try:
        yield
    finally:
        _noticed.reset(token)


def _withheld(value: Any) -> Any:
    return value if value in _FRAMEWORK else mark(NOT_SCANNED)


def _fresh(before: Any, after: Any) -> Counter[str]:
    """Return how many marks there are that were not there before, by rule."""
    if before == after:
        return Counter()
    return counted(json.dumps(after)) - counted(json.dumps(before))


def _cleaned(value: Any, known: Sequence[Known]) -> Any:
    """Return a JSON value with known secrets masked; almost always it is looked at only once."""
    for one in known:
        if one and one.spans(value if isinstance(value, str) else json.dumps(value)):
            shape = Shape(value)
            value = shape.masked([one.spans(text) for text in shape.texts])
    return value


def _part(part: Part, known: Sequence[Known]) -> Part:
    text = part.content.decode("utf-8", "surrogateescape")
    if not any(one.spans(text) for one in known):
        return part
    if part.mediatype == _JSON:
        value = _cleaned(json.loads(text), known)
        return Part(json.dumps(value, allow_nan=False).encode(), part.mediatype)
    if not part.mediatype.startswith("text/"):
        return Part(mark(NOT_SCANNED).encode(), "text/plain")
    for one in known:
        text = masked(text, one.spans(text))
    return Part(text.encode("utf-8", "surrogateescape"), part.mediatype)


def _column(value: Any, known: Sequence[Known]) -> Any:
    content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    kind = _JSON if content[:1] in {b"{", b"["} and _is_json(content) else "text/plain"
    kept = _part(Part(content, kind), known).content
    return kept if isinstance(value, bytes) else kept.decode("utf-8", "surrogatepass")


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _marks(part: Part) -> Counter[str]:
    if b"masked: " not in part.content:
        return Counter()
    return counted(part.content.decode("utf-8", "replace"))
