"""`%%sql target`, read without IPython."""

import pytest
from interlock.errors import UsageError
from interlock.magics import parameter_names, sql_cell


def test_the_line_names_the_target_and_perhaps_a_variable() -> None:
    assert sql_cell("orders", "SELECT 1\n").sql == "SELECT 1"
    cell = sql_cell(" orders rows << ", "\nSELECT :min_block_s\n")
    assert (cell.target, cell.keep_as, cell.names) == ("orders", "rows", ("min_block_s",))


@pytest.mark.parametrize(
    ("line", "body"), [("", "SELECT 1"), ("orders", "  "), ("a b", "SELECT 1")]
)
def test_a_cell_that_asks_nothing_says_how_to_ask(line: str, body: str) -> None:
    with pytest.raises(UsageError, match="does not say what to ask") as caught:
        sql_cell(line, body)
    assert "%%sql target" in caught.value.help


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT :a, :b, :a", ("a", "b")),
        ("SELECT now()::text, 'it''s :no' , \":no\"", ()),
        ("SELECT 1 -- :no\n, :yes /* :no */", ("yes",)),
        ("SELECT $$ :no $$, $x$ :no $x$, :yes", ("yes",)),
        ("SELECT a[1:2], :n::int", ("n",)),
    ],
)
def test_parameters_are_found_outside_strings_comments_and_casts(
    sql: str, names: tuple[str, ...]
) -> None:
    assert parameter_names(sql) == names
