"""Each decision has its record, and each record all its parts."""

import re
from pathlib import Path

import pytest
from house.documents import ROOT, name, table

_FOLDER = ROOT / "docs/decisions"
_RECORDS = sorted(path for path in _FOLDER.glob("*.md") if path.name != "README.md")
_PARTS = (
    *("What", "Why", "UX first", "Failure modes"),
    *("Rejected", "Security", "Test plan"),
)


@pytest.mark.parametrize("record", _RECORDS, ids=name)
def test_a_record_has_every_part_in_order(record: Path) -> None:
    assert (
        tuple(re.findall(r"^\*\*([^*]+)\.\*\*", record.read_text("utf-8"), re.MULTILINE)) == _PARTS
    )


def test_every_record_is_listed_under_its_number_and_title() -> None:
    rows = table((_FOLDER / "README.md").read_text("utf-8"), "record")
    listed = [f"# {row['record'][1:5]} {row['decided']}" for row in rows]
    assert listed == [path.read_text("utf-8").splitlines()[0] for path in _RECORDS]
    assert [row["record"][7:-1] for row in rows] == [path.name for path in _RECORDS]
