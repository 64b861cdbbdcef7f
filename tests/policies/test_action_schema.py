"""The schema for editors takes and refuses what the loader does."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from interlock_gateway.core.action import EXECUTE_EXPECTATIONS, EXPECTATIONS, RISKS, load_action
from interlock_gateway.core.exchange import VENDORS
from interlock_gateway.core.exchange.loading import MEDIA
from interlock_gateway.core.exchange.selection import TESTS, TYPES
from interlock_gateway.core.exchange.written import IDEMPOTENCY
from interlock_gateway.core.model import APPROVABLE, SQL
from interlock_gateway.core.strict import Source
from jsonschema import Draft202012Validator
from policy_folder import ACTION, API_ACTION, SHIPPED, names_in

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "action.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
FILES = sorted((SHIPPED / "actions").glob("*.toml"))


def accepted(text: str) -> tuple[bool, bool]:
    """Tell whether the schema takes a file, and whether the loader does."""
    source = Source("actions/db.stop.toml", text)
    load_action(source, names_in=names_in)
    return VALIDATOR.is_valid(tomllib.loads(text)), not source.problems


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_every_action_that_ships_follows_it(file: Path) -> None:
    assert list(VALIDATOR.iter_errors(tomllib.loads(file.read_text("utf-8")))) == []


@pytest.mark.parametrize("key", SCHEMA["required"])
def test_what_the_schema_requires_the_loader_requires(key: str) -> None:
    """A key of the top stands on one line, a table reaches to the next one."""
    if f"\n{key} = " in f"\n{ACTION}":
        text = "\n".join(line for line in ACTION.split("\n") if not line.startswith(f"{key} = "))
    else:
        head = "[arguments.pid]" if key == "arguments" else f"[{key}]"
        start = ACTION.index(head)
        end = ACTION.find("\n[", start)
        text = ACTION[:start] + ("" if end < 0 else ACTION[end:])

    assert accepted(ACTION) == (True, True)
    assert accepted(text) == (False, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cooldown_s = 0", "cooldown_s = 0\nretries = 3"),
        ("cooldown_s = 0", "cooldown_s = 86401"),
        ("max_per_run = 2", "max_per_run = 101"),
        ("uses = 4", "uses = 1001"),
        ("minimum = 1", "step = 1"),
        ('"integer"', '"bytes"'),
        ('"one row"', '"two rows"'),
        ("within_s = 5", "within_s = 301"),
        ('"1.0.0"', '"1"'),
        ('"db.stop"', '"stop"'),
    ],
)
def test_what_one_refuses_the_other_does_too(old: str, new: str) -> None:
    assert old in ACTION
    assert accepted(ACTION.replace(old, new)) == (False, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"GET /things/{name}"\nquery', '"POST /things/{name}"\nquery'),
        ('"PATCH /things/{name}"', '"GET /things/{name}"'),
        ('"PATCH /things/{name}"', '"PATCH things"'),
        ('{ manager = "interlock" }', '{ "a&b" = "x" }'),
        ('"application/merge-patch+json"', '"text/plain"'),
        ('"Idempotency-Key"', '"Authorization"'),
        ("if_match", "cookie"),
        ("status = [200, 202]", "status = [404]"),
        ("status = [200, 202]", ""),
        ("changed = [409, 412]", "changed = [500]"),
        ('rows = "/items"', 'rows = "items"'),
        ("{ above = 1 }", "{ below = 1 }"),
        ("{ above = 1 }", "{ above = 1, not = 2 }"),
        ('{ in = ["a", "b"] }', "{ in = [] }"),
        ('"text /state"', '"word /state"'),
        ('columns = { state = "text /state" }', ""),
        ('effect = "write"', ""),
        ('dialect = "kubernetes"', 'dialect = "postgres"'),
        ('request = "PATCH /things/{name}"', 'sql = "DELETE FROM t"'),
        ("[trial]", '[trial]\nquery = { a = "b" }'),
    ],
)
def test_what_one_refuses_of_a_request_the_other_does_too(old: str, new: str) -> None:
    assert API_ACTION.count(old) == 1
    text = API_ACTION.replace('"api.stop"', '"db.stop"')
    assert accepted(text) == (True, True)
    assert accepted(text.replace(old, new)) == (False, False)


def test_its_words_are_those_of_the_loader() -> None:
    properties, shared = SCHEMA["properties"], SCHEMA["$defs"]
    assert set(properties["dialect"]["enum"]) == {*SQL, *VENDORS}
    assert set(SCHEMA["if"]["properties"]["dialect"]["enum"]) == set(VENDORS)
    sends = shared["request_execute"]["properties"]
    assert tuple(sends["media"]["enum"]) == MEDIA
    assert tuple(sends["idempotency_header"]["enum"]) == IDEMPOTENCY
    assert shared["columns"]["additionalProperties"]["pattern"].startswith(f"^({'|'.join(TYPES)})")
    tests = shared["where"]["additionalProperties"]["oneOf"][1]["properties"]
    assert set(tests) == set(TESTS[1:])
    assert tuple(properties["risk"]["enum"]) == RISKS
    assert set(properties["effect"]["enum"]) == set(APPROVABLE)
    assert tuple(shared["expect"]["enum"]) == EXPECTATIONS
    expected = shared["execute"]["properties"]["expect"]["enum"]
    assert tuple(expected) == EXECUTE_EXPECTATIONS


def test_the_page_lists_the_actions_that_ship_and_the_keys_that_there_are() -> None:
    page = (DOCS / "actions.md").read_text("utf-8")

    assert [file.stem for file in FILES if f"| `{file.stem}` |" not in page] == []
    assert [key for key in SCHEMA["properties"] if f"`{key}" not in page] == []
