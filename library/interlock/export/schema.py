"""The JSON Schema of the JSON export, made from the classes that it is written from."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from interlock.export.model import Exhibit, Postmortem, Source
from interlock.export.to_document import ELSEWHERE, SCHEMA, SHAPED

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema of `interlock export --as json`.

    Objects may have more members than it names: a later version adds some, and takes none away.
    """
    known: dict[str, Any] = {}
    _object(Postmortem, known)
    top = known.pop(Postmortem.__name__)
    top["properties"] = {"schema": {"const": SCHEMA}} | top["properties"]
    top["required"] = ["schema", *top["required"]]
    return {
        "$schema": DRAFT,
        "$id": SCHEMA,
        "title": "The record of an incident, as `interlock export --as json` writes it",
        **top,
        "$defs": dict(sorted(known.items())),
    }


def _object(kind: type[Any], known: dict[str, Any]) -> dict[str, str]:
    """Describe a class once, and return the reference to it."""
    if kind.__name__ not in known:
        known[kind.__name__] = {}
        hints = get_type_hints(kind)
        named = [f.name for f in fields(kind) if (kind, f.name) not in ELSEWHERE]
        members = {name: _value(hints[name], known) for name in named}
        members |= _more(kind)
        about = (kind.__doc__ or "").partition("\n")[0]
        known[kind.__name__] = {
            "type": "object",
            "description": about,
            "properties": members,
            "required": list(members),
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _more(kind: type[Any]) -> dict[str, Any]:
    if kind in SHAPED:
        return {"shape": {"const": kind.__name__.lower()}}
    if kind.__name__ == "Phase":
        return {"seconds": {"type": "number"}}
    return {"facts": {"type": "object"}} if kind is Source else {}


def _value(hint: Any, known: dict[str, Any]) -> Mapping[str, Any]:
    if hint is Any:
        return {}
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return _either(get_args(hint), known)
    if origin is tuple:
        return _list(get_args(hint), known)
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint, known)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    return _PLAIN[hint]


_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
}


def _either(hints: tuple[Any, ...], known: dict[str, Any]) -> dict[str, Any]:
    if set(hints) == set(get_args(Exhibit)):
        known.setdefault("Exhibit", {"anyOf": [_value(hint, known) for hint in hints]})
        return {"$ref": "#/$defs/Exhibit"}
    return {"anyOf": [_value(hint, known) for hint in hints]}


def _list(hints: tuple[Any, ...], known: dict[str, Any]) -> dict[str, Any]:
    if hints[1:] == (...,):
        return {"type": "array", "items": _value(hints[0], known)}
    items = [_value(hint, known) for hint in hints]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
