"""What a query gives back, and what its printed form admits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from interlock.errors import UsageError
from interlock.table import Table
from scripted_gateway import answer


def test_rows_give_their_cells_by_attribute_by_name_and_by_position() -> None:
    row = Table(answer([28073, 5]))[0]
    assert (row.pid, row["victims"], row[0]) == (28073, 5, 28073)
    assert dict(row) == {"pid": 28073, "victims": 5}


def test_cells_are_python_values_of_their_column_s_type() -> None:
    columns = "n:numeric at:timestamptz age:interval gone:text"
    table = Table(
        answer(["1.50", "2026-01-01T10:00:00+00:00", "5000000us", None], columns=columns)
    )
    assert tuple(table[0]) == (
        Decimal("1.50"),
        datetime(2026, 1, 1, 10, tzinfo=UTC),
        timedelta(seconds=5),
        None,
    )


def test_an_unknown_column_suggests_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="no column 'victms'; did you mean 'victims'") as caught:
        _ = Table(answer([1, 5]))[0].victms
    assert caught.value.code == "unknown-column"


def test_any_compares_and_null_never_does() -> None:
    table = Table(answer([1, None], [2, 5]))
    assert table.any("victims", ">=", 5)
    assert not table.any("victims", ">", 5)
    assert not Table(answer([1, None])).any("victims", "<", 5)
    assert table.any("pid", "in", (2, 3))


@pytest.mark.parametrize(
    ("column", "op", "value", "said"),
    [
        ("victms", ">", 1, "did you mean 'victims'"),
        ("victims", "=>", 1, "no operator '=>'"),
        ("victims", ">", "five", "cannot be compared"),
    ],
)
def test_any_says_what_is_wrong_with_the_question(
    column: str, op: str, value: object, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Table(answer([1, 5])).any(column, op, value)


def test_the_printed_table_tells_rows_time_age_and_evidence() -> None:
    printed = repr(Table(answer([28073, 5], [7, 11], age_s=12)))
    assert printed.splitlines() == [
        "  pid  victims",
        "─────  ───────",
        "28073        5",
        "    7       11",
        "2 rows · 6 ms · 12s ago · evidence R-1/blockers/1/0",
    ]


def test_a_cut_table_says_where_it_was_cut() -> None:
    assert "1 row, cut at rows (1) ·" in repr(Table(answer([1, 2], truncated="rows (1)")))


def test_a_printed_table_is_never_wider_than_a_hundred_columns() -> None:
    columns = " ".join(f"column_{n}:text" for n in range(30))
    printed = repr(Table(answer(["x" * 300] * 30, columns=columns)))
    assert max(map(len, printed.splitlines())) <= 100
    assert "more columns: see .rows" in printed
    wide = repr(Table(answer(["y" * 300, "short"], columns="query:text state:text")))
    assert "…  short" in wide


def test_many_rows_are_counted_rather_than_printed() -> None:
    printed = repr(Table(answer(*([n, n] for n in range(500)))))
    assert "… 460 more rows: see .rows" in printed
    assert "500 rows" in printed


def test_what_could_steer_a_terminal_is_shown_as_what_it_is() -> None:
    printed = repr(Table(answer(["\x1b[2Jgone\u202e\nnext"], columns="name\x1b[1m:text")))
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\x1b[2Jgone\\u202e\\nnext" in printed


def test_the_html_form_holds_no_markup_but_our_own() -> None:
    html = Table(answer(["<img src=x onerror=alert(1)>"], columns="<b>:text"))._repr_html_()
    assert "<img" not in html
    assert "<th>&lt;b&gt;</th>" in html


def test_a_missing_library_is_named() -> None:
    with pytest.raises(UsageError, match="polars is not installed"):
        Table(answer([1, 2])).polars()
