"""JSON values as texts that can be searched, and back: the same shape, with marks in it.

Keys are texts as well as strings are, and so are numbers. What one reader sees in one piece is
searched in one piece: lines in a list, and what a stream said bit by bit.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from interlock_gateway.core.redaction.marks import Span, masked

FIELD = "credential-field"
"""The rule of a string that stands under a name such as `password`."""

_CREDENTIAL = re.compile(
    r"(?i:(?:.{0,60}[_.-])?(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|secret[_-]?key"
    r"|access[_-]?key|private[_-]?key|client[_-]?secret|authorization|cookie))"
)
_STANDS_FOR_ONE = re.compile(r"\s*\Z|[$%:?*<{⟦]|(?i:none|null|true|false|required)\Z")


@dataclass(slots=True, eq=False)
class _Leaf:
    """A key, a string or a number, and what was found in it."""

    text: str
    value: Any
    spans: list[Span] = field(default_factory=list)

    @property
    def shown(self) -> Any:
        return masked(self.text, self.spans) if self.spans else self.value


@dataclass(frozen=True, slots=True)
class _Object:
    items: tuple[tuple[_Leaf, "_Node"], ...]


@dataclass(frozen=True, slots=True)
class _List:
    items: tuple["_Node", ...]


_Node = _Leaf | _Object | _List | None | bool
_Thread = list[tuple[_Leaf, str]]
"""Leaves that are read one after another, each with what stands behind it."""


class Shape:
    """One JSON value, taken apart into the texts in which secrets are looked for."""

    def __init__(self, value: Any) -> None:
        """Take the value apart; it is not changed."""
        self._root = _node(value)
        whole = list(_rendered(self._root, ""))
        self._threads: list[_Thread] = [whole, *_pieces(self._root)]

    @property
    def texts(self) -> list[str]:
        """What is to be searched: the whole, a `key: value` a line, then what belongs together."""
        return ["".join(leaf.text + after for leaf, after in one) for one in self._threads]

    def masked(self, found: Sequence[Sequence[Span]], *, named: bool = False) -> Any:
        """Return the value with marks for what was found.

        Args:
            found: the spans in each of `texts`.
            named: mask what `named` says, too.
        """
        for thread, spans in zip(self._threads, found, strict=True):
            _hand_out(thread, spans)
        for leaf in self._named() if named else ():
            leaf.spans.append(Span(0, len(leaf.text), FIELD))
        return _built(self._root, lambda leaf: leaf.shown)

    @property
    def named(self) -> list[str]:
        """The values whose key says that they are a credential, whatever they look like."""
        return [leaf.text for leaf in self._named()]

    def _named(self) -> Iterator[_Leaf]:
        for key, value in _pairs(self._root):
            if _CREDENTIAL.fullmatch(key.text) and not _STANDS_FOR_ONE.match(value.text):
                yield value

    def replaced(self, by: Callable[[Any], Any]) -> Any:
        """Return the value with each key, string and number replaced."""
        return _built(self._root, lambda leaf: by(leaf.value))


def _node(value: Any) -> _Node:
    match value:
        case None | bool():
            return value
        case str():
            return _Leaf(value, value)
        case Mapping():
            return _Object(tuple((_Leaf(str(k), str(k)), _node(v)) for k, v in value.items()))
        case list() | tuple():
            return _List(tuple(map(_node, value)))
        case _:
            return _Leaf(json.dumps(value), value)


def _rendered(node: _Node, after: str) -> Iterator[tuple[_Leaf, str]]:
    """Yield every leaf in the order in which a person reads them."""
    match node:
        case _Leaf():
            yield node, after or "\n"
        case _Object(items):
            for key, value in items:
                yield key, ": "
                yield from _rendered(value, "\n")
        case _List(items):
            for item in items:
                yield from _rendered(item, "\n")


def _pieces(node: _Node) -> Iterator[_Thread]:
    """Yield what a reader sees in one piece though it is several strings."""
    if isinstance(node, _Object):
        for _, value in node.items:
            yield from _pieces(value)
    if isinstance(node, _List):
        for item in node.items:
            yield from _pieces(item)
        rows = [item for item in node.items if isinstance(item, _Object)]
        columns = {key.text: None for row in rows for key, _ in row.items}
        together = [_lines(node), *(_column(rows, name) for name in columns)]
        yield from ([(leaf, "") for leaf in one] for one in together if len(one) > 1)


def _lines(node: _Node) -> list[_Leaf]:
    if isinstance(node, _Leaf) and isinstance(node.value, str):
        return [node]
    if isinstance(node, _List):
        return [one for one in node.items if isinstance(one, _Leaf) and isinstance(one.value, str)]
    return []


def _column(rows: Sequence[_Object], name: str) -> list[_Leaf]:
    """Return what several objects in a row say under one name, as a stream says it in bits."""
    values = [value for row in rows for key, value in row.items if key.text == name]
    return [leaf for value in values for leaf in _lines(value)]


def _pairs(node: _Node) -> Iterator[tuple[_Leaf, _Leaf]]:
    """Yield each key with the one value under it."""
    if isinstance(node, _List):
        for item in node.items:
            yield from _pairs(item)
    if isinstance(node, _Object):
        for key, value in node.items:
            if isinstance(value, _Leaf):
                yield key, value
            if isinstance(value, _Object):  # a typed value, as calls have them
                yield from (
                    (key, typed)
                    for name, typed in value.items
                    if name.text == "value" and isinstance(typed, _Leaf)
                )
            yield from _pairs(value)


def _hand_out(thread: _Thread, spans: Sequence[Span]) -> None:
    """Give each leaf its share of what was found in the text of all of them."""
    if not spans:
        return
    ends = list(accumulate(len(leaf.text) + len(after) for leaf, after in thread))
    for (leaf, after), end in zip(thread, ends, strict=True):
        start, size = end - len(after) - len(leaf.text), len(leaf.text)
        for span in spans:
            if span.start < start + size and span.end > start:
                first, last = max(0, span.start - start), min(size, span.end - start)
                leaf.spans.append(Span(first, last, span.rule, span.sure))


def _built(node: _Node, shown: Callable[[_Leaf], Any]) -> Any:
    match node:
        case _Leaf():
            return shown(node)
        case _Object(items):
            return _keyed((str(shown(key)), _built(value, shown)) for key, value in items)
        case _List(items):
            return [_built(item, shown) for item in items]
        case _:
            return node


def _keyed(items: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; two keys that became one mark stay two keys."""
    out: dict[str, Any] = {}
    for key, value in items:
        name, number = key, 2
        while name in out:
            name, number = f"{key} ({number})", number + 1
        out[name] = value
    return out
