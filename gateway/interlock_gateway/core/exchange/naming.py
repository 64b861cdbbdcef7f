"""What the places of an action's requests may name, and by which names each request is guarded."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from interlock_gateway.core.exchange.exchange import Exchange
from interlock_gateway.core.exchange.slots import ASKED, EACH, Each, Hole, Text
from interlock_gateway.core.exchange.vendors import Vendor
from interlock_gateway.core.strict import nearest

Parts = Mapping[str, Exchange]
"""The requests of an action: `preview`, `precheck`, `execute`, `verify`, those that there are."""

Arguments = Mapping[str, Collection[str]]
"""The arguments of an action; of a list the fields of its items, of a single value nothing."""

Lists = Mapping[str, Collection[str]]
Known = Callable[[str], str]


def wrong_names(parts: Parts, arguments: Arguments, vendor: Vendor) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names in requests: the part, and a sentence."""
    lists = {name: fields for name, fields in arguments.items() if fields}
    for key, exchange in parts.items():
        known = partial(_unknown, key, parts, arguments)
        trees: list[Any] = [Text((one,)) for one in exchange.path if isinstance(one, Hole)]
        trees += [value for _, value in (*exchange.query, *exchange.fields)]
        trees += [exchange.body, [one.value for one in exchange.selection.where]]
        for tree in trees:
            yield from ((key, told) for told in _wrong_in(tree, lists, known, fields=()))
        if vendor.trial and vendor.trial[0] in dict(exchange.query):
            yield key, f"`{vendor.trial[0]}` is added where `[trial]` asks for it."


def guarding(parts: Parts) -> dict[str, set[str]]:
    """Return the names that each part uses; what is seen was found by those of the preview."""
    used = {
        key: set(exchange.sent if key == "execute" else exchange.named)
        for key, exchange in parts.items()
    }
    for names in used.values():
        if any(name.startswith("seen.") for name in names):
            names.update(used.get("preview", ()))
    return used


def _unknown(part: str, parts: Parts, arguments: Arguments, name: str) -> str:
    """Return why a name that is no list and no field of one cannot be used, or ""."""
    match name.rpartition(".")[0]:
        case "":
            known, place = list(arguments), "an argument"
        case "ask":
            known, place = [f"ask.{one}" for one in ASKED], "known of a request"
        case _ if part == "preview":
            return f"`{{{name}}}` cannot be used by what shows it."
        case _:
            columns = parts["preview"].selection.columns if "preview" in parts else ()
            known, place = [f"seen.{one.name}" for one in columns], "a column of `preview`"
    return "" if name in known else f"`{{{name}}}` is not {place}{nearest(name, known)}"


def _wrong_in(tree: Any, lists: Lists, known: Known, *, fields: Collection[str]) -> Iterator[str]:
    match tree:
        case Each(name, item):
            if name not in lists or fields:
                yield f"`{EACH}` takes an argument that is a list, and {name!r} is none here."
            yield from _wrong_in(item, lists, known, fields=lists.get(name, ()))
        case Text(pieces):
            for piece in pieces:
                if isinstance(piece, Hole):
                    yield from _wrong(piece.name, lists, known, fields)
        case dict():
            for inner in tree.values():
                yield from _wrong_in(inner, lists, known, fields=fields)
        case list():
            for inner in tree:
                yield from _wrong_in(inner, lists, known, fields=fields)


def _wrong(name: str, lists: Lists, known: Known, fields: Collection[str]) -> Iterator[str]:
    if name in lists:
        yield f"`{{{name}}}` is a list; it goes where `{EACH}` stands."
    elif name.startswith("item."):
        if name.removeprefix("item.") not in fields:
            yield f"`{{{name}}}` is no field of a list that it stands in."
    elif told := known(name):
        yield told
