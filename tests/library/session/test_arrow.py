"""Results as Arrow: each value exact, in the Arrow type of its own or as text."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock import arrow, wire
from interlock.errors import UsageError
from interlock.table import Table
from pyarrow import ipc
from scripted_gateway import answer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST = datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
EXACT: list[tuple[str, list[object], str]] = [
    ("boolean", [True, False, None], "bool"),
    ("integer", [-(2**63), 2**63 - 1, None], "int64"),
    ("integer", [0, 2**64 - 1], "uint64"),
    ("integer", [-(2**63) - 1, 10**75], "decimal256(76, 0)"),
    ("number", [0.1, float("inf"), -0.0, None], "double"),
    ("numeric", [Decimal("1.50"), Decimal("-100.123"), None], "decimal128(6, 3)"),
    ("numeric", [Decimal("1e60"), Decimal("0.1")], "decimal256(62, 1)"),
    ("text", ["", "Ωμέγα 🚑", None], "string"),
    ("timestamptz", [NOON, FIRST, None], "timestamp[us, tz=UTC]"),
    ("timestamp", [FIRST.replace(tzinfo=None), None], "timestamp[us]"),
    ("date", [date.min, date.max, None], "date32[day]"),
    ("time", [time(23, 59, 59, 999999), time(), None], "time64[us]"),
    ("interval", [timedelta(microseconds=-1), timedelta(days=99_999_999)], "duration[us]"),
    ("uuid", [UUID(int=7), None], "extension<arrow.uuid>"),
    ("bytes", [b"", b"\x00\xff", None], "binary"),
]  # fmt: skip


def cells(values: list[object]) -> list[list[Any]]:
    """One column as the rows of an answer."""
    return [[wire.encode_value(value)["value"]] for value in values]


def column(kind: str, values: list[object]) -> Any:
    """What Arrow holds of the column, after it went through a stream."""
    stream = arrow.stream(answer(*cells(values), columns=f"x:{kind}"))
    return ipc.open_stream(stream).read_all().column("x")


@pytest.mark.parametrize(("kind", "values", "arrow_type"), EXACT)
def test_every_type_has_an_arrow_type_that_gives_the_same_values(
    kind: str, values: list[object], arrow_type: str
) -> None:
    found = column(kind, values)

    assert found.to_pylist() == values
    assert str(found.type) == arrow_type


def test_json_keeps_its_text_and_its_type() -> None:
    found = column("json", [{"a": [1, "ü", None]}, ["x"], None])

    assert found.to_pylist() == ['{"a": [1, "ü", null]}', '["x"]', None]
    assert str(found.type) == "extension<arrow.json>"


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("numeric", "NaN"),
        ("numeric", "1E+400"),
        ("integer", 10**80),
        ("interval", f"{10**19}us"),
        ("time", "12:00:00+02:00"),
        ("timestamptz", "0001-01-01T00:00:00+02:00"),
    ],
)
def test_what_fits_no_arrow_type_is_text_as_on_the_wire(kind: str, cell: Any) -> None:
    table = arrow.table(answer([cell], [None], columns=f"x:{kind}"))

    assert str(table.schema.field("x").type) == "string"
    assert table.column("x").to_pylist() == [str(cell), None]
    assert table.schema.field("x").metadata == {b"interlock.type": kind.encode()}


def test_an_empty_answer_keeps_its_columns_and_types() -> None:
    table = arrow.table(answer(columns="pid:integer at:timestamptz"))

    assert table.num_rows == 0
    assert [str(field.type) for field in table.schema] == ["int64", "timestamp[us, tz=UTC]"]


def test_two_columns_of_one_name_are_both_there() -> None:
    table = arrow.table(answer([1, 2], columns="n:integer n:integer"))

    assert [one.to_pylist() for one in table.columns] == [[1], [2]]


def test_a_masked_column_says_so_and_the_schema_holds_what_proves_the_rows() -> None:
    told = answer(["[pii]"], columns="email:text", truncated="rows (1)")
    told["columns"][0]["masked"] = "pii"
    schema = arrow.table(told).schema

    assert schema.field("email").metadata[b"interlock.masked"] == b"pii"
    about = wire.json_value(schema.metadata[b"interlock"])
    assert (about["truncated"], about["event"]) == ("rows (1)", "evt_1")
    assert "rows" not in about


def test_a_table_in_a_notebook_becomes_one_of_pyarrow() -> None:
    table = Table(answer([28073, 5], [7, 11])).arrow()

    assert table.to_pydict() == {"pid": [28073, 7], "victims": [5, 11]}


def test_without_pyarrow_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(
        UsageError, match=r"pyarrow is not installed.*\n.*interlock-runbooks\[arrow"
    ):
        Table(answer([1, 2])).arrow()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("application/vnd.apache.arrow.stream, application/json;q=0.5", "arrow or json"),
        ("APPLICATION/vnd.apache.arrow.STREAM;q=0.9 , */*;q=0.1", "arrow or json"),
        ("application/vnd.apache.arrow.stream, application/json;q=0, */*", "arrow"),
        ("application/json, application/vnd.apache.arrow.stream;q=0.5", "json"),
        ("application/vnd.apache.arrow.stream;q=0, application/*", "json"),
        ("application/vnd.apache.arrow.stream;q=much, */*", "json"),
        ("*/*", "json"),
    ],
)
def test_arrow_is_given_only_to_whoever_prefers_it(accept: str, form: str) -> None:
    preferred = ["arrow"] if arrow.is_preferred(accept) else []
    accepted = ["json"] if arrow.is_json_accepted(accept) else []

    assert " or ".join(preferred + accepted) == form


MOMENTS = st.datetimes(timezones=st.just(UTC))
ANY: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False),
    "text": st.text(st.characters(exclude_categories=["Cs"])),
    "timestamptz": MOMENTS,
    "timestamp": st.datetimes(),
    "date": st.dates(),
    "time": st.times(),
    "interval": st.timedeltas(),
    "uuid": st.uuids(),
    "bytes": st.binary(),
}
READ: dict[str, Callable[[Any], Any]] = {
    "numeric": Decimal,
    "integer": int,
    "interval": lambda text: wire.decode_cell("interval", text),
    "timestamptz": datetime.fromisoformat,
}


@given(st.data(), st.sampled_from(sorted(ANY)))
def test_no_value_changes_on_its_way(data: st.DataObject, kind: str) -> None:
    values = data.draw(st.lists(st.none() | ANY[kind], max_size=6))
    found = column(kind, values)
    read = READ.get(kind, lambda same: same) if str(found.type) == "string" else lambda same: same

    assert [None if one is None else read(one) for one in found.to_pylist()] == values
