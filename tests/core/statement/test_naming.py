"""Names of things in a statement: whatever they are, one quoted identifier."""

import pgparse
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.statement import StatementError, with_names

SQL = "VACUUM (ANALYZE) :schema.:table"
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=15)


def test_names_are_quoted_and_everything_else_stays() -> None:
    found = with_names("SELECT ':table', :n -- :table\n FROM :table", {"table": 'a"b'})
    assert found == """SELECT ':table', :n -- :table\n FROM "a""b\""""


@given(NAMES, NAMES)
def test_no_name_is_anything_but_that_name(schema: str, table: str) -> None:
    if max(len(schema.encode()), len(table.encode())) > 63:
        return  # refused: see below
    (parsed,) = pgparse.parse(with_names(SQL, {"schema": schema, "table": table}))
    (found,) = parsed["stmt"]["VacuumStmt"]["rels"]
    relation = found["VacuumRelation"]["relation"]
    assert (relation["schemaname"], relation["relname"]) == (schema, table)


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "x" * 64, "ä" * 32])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(StatementError, match="cannot be the name"):
        with_names(SQL, {"schema": "public", "table": name})
