"""Results as Apache Arrow, for the gateway's answers and for `Table.arrow()`.

An answer's typed JSON is what is kept and proven; this is another form of it, made after masks.
Every value is exact: a column whose values do not fit the Arrow type of its own is text, as on the
wire. The type on the wire stands in each field's metadata, `interlock.type`. pyarrow is an extra,
and loaded only when it is asked for.
Source: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any

from interlock import wire
from interlock.errors import UsageError

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
"""What a request accepts, and an answer is, when it is an Arrow IPC stream."""

_NARROW, _PLACES = 38, 76  # digits of Arrow's two decimals


def library() -> Any:
    """Return pyarrow.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise UsageError(
            "pyarrow is not installed here.",
            help="Ask for JSON or use .rows, or install interlock-runbooks[arrow].",
        ) from error


def table(answer: Mapping[str, Any]) -> Any:
    """Return the rows of an answer as a `pyarrow.Table`.

    What else the answer says, such as `truncated` and the proving `event`, is JSON in the schema's
    metadata, `interlock`.

    Args:
        answer: `columns`, `rows` and more, as the gateway gives it.

    Raises:
        UsageError: pyarrow is not installed.
        WireError: a cell is not of its column's type.
    """
    arrow = library()
    columns: Sequence[Mapping[str, Any]] = answer.get("columns") or []
    cells = list(zip(*(answer.get("rows") or []), strict=True)) or [()] * len(columns)
    arrays = [
        _array(arrow, str(column["type"]), values)
        for column, values in zip(columns, cells, strict=True)
    ]
    fields = [
        arrow.field(str(column["name"]), array.type, metadata=_told(column))
        for column, array in zip(columns, arrays, strict=True)
    ]
    about = {key: value for key, value in answer.items() if key not in ("columns", "rows")}
    metadata = {"interlock": json.dumps(about, ensure_ascii=False)}
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields, metadata=metadata))


def stream(answer: Mapping[str, Any]) -> bytes:
    """Return the rows of an answer as one Arrow IPC stream; raises as `table` does."""
    arrow = library()
    made = table(answer)
    sink = arrow.BufferOutputStream()
    with import_module("pyarrow.ipc").new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue())


def is_preferred(accept: str) -> bool:
    """Tell whether an Accept header asks for Arrow rather than for JSON.

    Examples:
        >>> is_preferred("application/vnd.apache.arrow.stream, application/json;q=0.5")
        True
        >>> is_preferred("*/*")
        False
    """
    weights = _weights(accept)
    wanted = weights.get(MEDIA_TYPE, 0.0)
    return wanted > 0 and wanted >= weights.get("application/json", 0.0)


def is_json_accepted(accept: str) -> bool:
    """Tell whether an Accept header that asks for Arrow takes JSON where there is no Arrow."""
    weights = _weights(accept)
    names = ("application/json", "application/*", "*/*")
    return next((weights[name] for name in names if name in weights), 0.0) > 0


def _weights(accept: str) -> Mapping[str, float]:
    """Return the weight of each media type in an Accept header; one that is no number is 0."""
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        given = [word.removeprefix("q=") for word in parameters if word.startswith("q=")]
        found[name] = _weight(given[0]) if given else 1.0
    return found


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _told(column: Mapping[str, Any]) -> Mapping[str, str]:
    masked = {"interlock.masked": str(column["masked"])} if column.get("masked") else {}
    return {"interlock.type": str(column["type"]), **masked}


def _array(arrow: Any, kind: str, cells: Sequence[Any]) -> Any:
    """Return a column in the first Arrow type that gives back what went in; else as text."""
    values = [wire.decode_cell(kind, cell) for cell in cells]
    if kind == "json":
        values = [None if one is None else json.dumps(one, ensure_ascii=False) for one in values]
    for chosen in _TYPES.get(kind, ()):
        try:
            array = arrow.array(values, chosen(arrow, values))
            if kind == "number" or array.to_pylist() == values:  # NaN is not equal to itself
                return array
        except (arrow.ArrowException, OverflowError, ValueError):
            continue
    return arrow.array([_text(cell) for cell in cells], arrow.string())


def _text(cell: Any) -> str | None:
    """Return a cell as it stands on the wire."""
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)


def _decimal(arrow: Any, values: Iterable[Decimal | None]) -> Any:
    """Return the narrowest decimal that holds every value.

    Raises:
        ValueError: none does, as with NaN or more than 76 digits.
    """
    whole = places = 0
    for value in values:
        if value is None:
            continue
        _, digits, exponent = value.as_tuple()
        if isinstance(exponent, str):
            raise ValueError(f"{value} is no decimal number")  # noqa: TRY004  a special value
        whole = max(whole, len(digits) + exponent)
        places = max(places, -exponent)
    width = max(whole + places, 1)
    if width > _PLACES:
        raise ValueError(f"{width} digits are too many")
    return (arrow.decimal128 if width <= _NARROW else arrow.decimal256)(width, places)


_Choice = Callable[[Any, Sequence[Any]], Any]
_TYPES: Mapping[str, Sequence[_Choice]] = {
    "null": (lambda arrow, _: arrow.null(),),
    "boolean": (lambda arrow, _: arrow.bool_(),),
    "integer": (
        lambda arrow, _: arrow.int64(),
        lambda arrow, _: arrow.uint64(),
        lambda arrow, _: arrow.decimal256(_PLACES, 0),
    ),
    "number": (lambda arrow, _: arrow.float64(),),
    "numeric": (_decimal,),
    "text": (lambda arrow, _: arrow.string(),),
    "timestamptz": (lambda arrow, _: arrow.timestamp("us", "UTC"),),
    "timestamp": (lambda arrow, _: arrow.timestamp("us"),),
    "date": (lambda arrow, _: arrow.date32(),),
    "time": (lambda arrow, _: arrow.time64("us"),),
    "interval": (lambda arrow, _: arrow.duration("us"),),
    "uuid": (lambda arrow, _: arrow.uuid(),),
    "bytes": (lambda arrow, _: arrow.binary(),),
    "json": (lambda arrow, _: arrow.json_(),),
}
