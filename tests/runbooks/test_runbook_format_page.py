"""docs/runbook-format.md lists exactly the keys that are enforced."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from interlock.runbook.model import KINDS, Limits
from interlock.runbook.parameters import PARAM_TYPES
from interlock.runbook.schema import RUNBOOK, STEP
from interlock.runbook.shape import ListOf, MapOf, Record
from rehearsal import ROOT

PAGE = (ROOT / "docs" / "runbook-format.md").read_text()
RECORDS = {"metadata.runbook": RUNBOOK, "metadata.step": STEP}


def records(name: str, shape: Any) -> Iterator[tuple[str, Record]]:
    if isinstance(shape, ListOf | MapOf):
        yield from records(name, shape.item)
    elif isinstance(shape, Record):
        yield name, shape
        for key, inner in shape.fields.items():
            yield from records(key, inner)


ALL = [pair for name, record in RECORDS.items() for pair in records(name, record)]


def table(heading: str, number: int = 0) -> dict[str, str]:
    (section,) = re.findall(rf"^##+ `{heading}`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    tables = re.findall(r"^\|---.*\n((?:\|.*\n)+)", section, re.MULTILINE)
    return dict(re.findall(r"^\| `(.+?)` \| (.+?) \|", tables[number], re.MULTILINE))


@pytest.mark.parametrize(("name", "record"), ALL, ids=[name for name, _ in ALL])
def test_every_key_is_listed_with_whether_it_is_needed(name: str, record: Record) -> None:
    listed = table(name)
    assert set(listed) == set(record.fields)
    needed = {key for key, text in listed.items() if text.endswith("Needed.")}
    assert needed == set(record.needed)


def test_every_section_is_about_something_that_exists() -> None:
    assert set(re.findall(r"^##+ `(.+)`$", PAGE, re.MULTILINE)) == {name for name, _ in ALL}


def test_every_type_and_every_kind_is_explained() -> None:
    assert tuple(table("params", 1)) == PARAM_TYPES
    assert tuple(table("metadata.step", 1)) == KINDS


def test_the_limits_are_those_that_hold() -> None:
    listed = table("limits")
    assert f"{Limits().run_s} unless said" in listed["run_s"]
    assert f"{Limits().rows:,} unless said" in listed["rows"]
    assert f"{Limits().bytes // 1024**2} MiB unless said" in listed["bytes"]
    assert f"{Limits().calls} unless said" in listed["calls"]
