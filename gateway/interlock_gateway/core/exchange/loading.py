"""Requests in actions/<id>.toml, read strictly: what cannot be understood is noted with its line.

[execute]
request = "PATCH /apis/apps/v1/namespaces/{namespace}/deployments/{name}"
media = "application/merge-patch+json"
body = { spec = { replicas = "{replicas}" } }
status = [200]
columns = { replicas = "integer /spec/replicas" }
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from interlock_gateway.core.exchange.errors import ExchangeError
from interlock_gateway.core.exchange.exchange import Exchange, Segment
from interlock_gateway.core.exchange.selection import (
    ETAG,
    TESTS,
    TYPES,
    Condition,
    Selection,
    Shown,
    wrong_pointer,
)
from interlock_gateway.core.exchange.slots import EACH, ITEM, Each, Hole, Text
from interlock_gateway.core.exchange.written import IDEMPOTENCY, METHODS, MUTATING
from interlock_gateway.core.strict import Table

MEDIA = (
    "application/json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
)
"""Media types of a body that is JSON."""

_REQUEST = re.compile(r"([A-Z]+) (/\S*)")
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,60}")
_COLUMN = re.compile(rf"({'|'.join(TYPES)}) ?((?:/.*)?|{ETAG})")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_STATUS = range(200, 600)


def load_exchange(table: Table, *, reads: bool) -> Exchange:
    """Read the request of one part of an action.

    Args:
        table: the part.
        reads: whether it may only look, so that only GET is taken.
    """
    method, path = _request(table, METHODS[:1] if reads else MUTATING)
    body = _tree(table, "body") if "body" in table else None
    if reads and body is not None:
        table.problem("body", "A request that only looks has no `body`.")
    return Exchange(
        method=method,
        path=path,
        query=tuple(_query(table)),
        body=body,
        media=_media(table, body),
        fields=() if reads else tuple(_fields(table)),
        selection=load_selection(table, reads=reads),
    )


def load_selection(table: Table, *, reads: bool) -> Selection:
    """Read how an answer is read."""
    columns = tuple(_columns(table))
    if reads and not columns:
        table.problem("", "`columns` is missing: what is looked at has to be seen.")
    return Selection(
        status=_statuses(table, "status", (200,) if reads else ()),
        changed=() if reads else _statuses(table, "changed", (409, 412)),
        rows=_pointer(table, "rows") if "rows" in table else None,
        where=tuple(_where(table)),
        columns=columns,
    )


# --- what is sent -----------------------------------------------------------------------------


def _request(table: Table, methods: tuple[str, ...]) -> tuple[str, tuple[Segment, ...]]:
    source = table.text("request")
    found = _REQUEST.fullmatch(source)
    if not found:
        if source:
            table.problem("request", "`request` is a method and a path: `GET /api/v2/alerts`.")
        return methods[0], ()
    if found[1] not in methods:
        known = ", ".join(methods)
        table.problem("request", f"`{found[1]}` cannot be sent here; it must be {known}.")
    segments = found[2][1:].split("/")
    return found[1], tuple(_segment(table, one) for one in segments)


def _segment(table: Table, source: str) -> Segment:
    if _WORD.fullmatch(source):
        return source
    text = _text(table, "request", source)
    match text.pieces:
        case [Hole(_, "") as hole]:
            return hole
    message = f"{source!r} in the path is neither a word nor one {{name}}."
    table.problem("request", message)
    return "missing"


def _query(table: Table) -> Iterator[tuple[str, Text | Each]]:
    raw = table.raw("query", default={})
    if not isinstance(raw, Mapping):
        table.problem("query", "`query` must be a table of keys.")
        return
    for key, value in raw.items():
        if not _KEY.fullmatch(key):
            table.problem("query", f"{key!r} cannot be a key of a query.")
        found = _compiled(table, "query", value)
        if isinstance(found, Text) or (isinstance(found, Each) and isinstance(found.item, Text)):
            yield key, found
        else:
            message = f"`{key}` must be a text, or {{ {EACH} = LIST, {ITEM} = TEXT }}."
            table.problem("query", message)


def _media(table: Table, body: Any) -> str:
    if body is None:
        if "media" in table:
            table.problem("media", "`media` is the type of a `body`, and there is none.")
            table.raw("media")
        return ""
    return table.choice("media", MEDIA, default=MEDIA[0])


def _fields(table: Table) -> Iterator[tuple[str, Text]]:
    if "if_match" in table:
        yield "If-Match", _text(table, "if_match", table.text("if_match"))
    if "idempotency_header" in table:
        yield table.choice("idempotency_header", IDEMPOTENCY), Text.of("{ask.token}")


def _tree(table: Table, key: str) -> Any:
    raw = table.raw(key)
    if not isinstance(raw, dict | list):
        table.problem(key, f"`{key}` must be a table or a list.")
        return {}
    return _compiled(table, key, raw)


def _compiled(table: Table, key: str, value: Any) -> Any:
    match value:
        case str():
            return _text(table, key, value)
        case bool() | int() | float():
            return value
        case list():
            return [_compiled(table, key, inner) for inner in value]
        case dict() if value.keys() == {EACH, ITEM} and isinstance(value[EACH], str):
            return Each(value[EACH], _compiled(table, key, value[ITEM]))
        case dict():
            for name in value:
                if name.startswith("$") or "{" in name:
                    table.problem(key, f"{name!r} cannot be the name of a member of `{key}`.")
            return {name: _compiled(table, key, inner) for name, inner in value.items()}
    table.problem(key, f"`{key}` holds a {type(value).__name__}, which JSON has not.")
    return ""


def _text(table: Table, key: str, source: str) -> Text:
    try:
        return Text.of(source)
    except ExchangeError as error:
        table.problem(key, f"`{key}`: {error}")
        return Text(())


# --- how the answer is read -------------------------------------------------------------------


def _statuses(table: Table, key: str, usual: tuple[int, ...]) -> tuple[int, ...]:
    if key not in table and usual:
        return usual
    raw = table.raw(key)
    good = (
        isinstance(raw, list) and raw and all(type(one) is int and one in _STATUS for one in raw)
    )
    if not good:
        table.problem(key, f"`{key}` is a list of HTTP statuses, such as [200].")
        return usual
    if len(set(raw)) < len(raw):
        table.problem(key, f"`{key}` names something twice.")
    low, high = (200, 300) if key == "status" else (400, 500)
    for one in raw:
        if not low <= one < high:
            table.problem(key, f"`{key}` can be from {low} to {high - 1}, and not {one}.")
    return tuple(raw)


def _pointer(table: Table, key: str, value: Any = None) -> str:
    found = table.raw(key) if value is None else value
    if not isinstance(found, str) or (why := wrong_pointer(found)):
        why = why if isinstance(found, str) else "it is a text"
        table.problem(key, f"`{key}`: {found!r} is no JSON pointer: {why}.")
        return ""
    return found


def _where(table: Table) -> Iterator[Condition]:
    raw = table.raw("where", default={})
    if not isinstance(raw, Mapping):
        table.problem("where", "`where` must be a table: pointer = what stands there.")
        return
    for at, value in raw.items():
        _pointer(table, "where", at)
        test, against = "is", value
        if isinstance(value, Mapping):
            if len(value) != 1 or next(iter(value)) not in TESTS[1:]:
                known = ", ".join(TESTS[1:])
                table.problem("where", f"{at!r} has one test: a value, or one of {known}.")
                continue
            ((test, against),) = value.items()
        yield Condition(at, test, _against(table, test, against))


def _against(table: Table, test: str, value: Any) -> Any:
    single = isinstance(value, str | bool | int | float)
    match test:
        case "same_as":
            return _pointer(table, "where", value if single else "?")
        case "in":
            single = isinstance(value, list) and bool(value)
    if not single:
        table.problem("where", f"`{test}` cannot be compared with {value!r}.")
    return _compiled(table, "where", value)


def _columns(table: Table) -> Iterator[Shown]:
    raw = table.raw("columns", default={})
    if not isinstance(raw, Mapping):
        table.problem("columns", "`columns` must be a table: name = its type and pointer.")
        return
    for name, source in raw.items():
        found = _COLUMN.fullmatch(source) if isinstance(source, str) else None
        if not _NAME.fullmatch(name) or not found or wrong_pointer(found[2].removeprefix(ETAG)):
            message = f'`{name}` must be a type and a pointer, such as "text /metadata/name".'
            table.problem("columns", message)
            continue
        yield Shown(name, found[1], found[2])
