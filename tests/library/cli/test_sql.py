"""`interlock sql`: one answer a line, whatever the line is; one statement for a person."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from interlock.cli.answering import answer
from interlock.cli.entry import entry
from interlock.cli.world import World


def answers(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    (tmp_path / "asked.jsonl").write_text("\n".join(lines), "utf-8")
    out = io.StringIO()
    world = World(environ={}, cwd=tmp_path, out=out, err=io.StringIO())
    assert entry(["sql", "classify", "asked.jsonl"], world) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def asked(number: int, dialect: str, sql: str) -> str:
    return json.dumps({"id": number, "dialect": dialect, "sql": sql})


def test_every_line_is_answered_in_order(tmp_path: Path) -> None:
    found = answers(
        tmp_path,
        asked(1, "postgres", "SELECT 1"),
        asked(2, "sqlite", "DELETE FROM t"),
        asked(3, "oracle", "SELECT 1 FROM dual"),
        asked(4, "postgres", "SELECT $1"),
        asked(5, "postgres", "SELECT '\ud800'"),
    )

    assert [(answer["id"], answer["effect"]) for answer in found] == [
        (1, "read"),
        (2, "write"),
        (3, "unknown"),
        (4, "unknown"),
        (5, "unknown"),
    ]
    assert found[0]["reasons"] == []
    assert set(found[1]["reasons"][0]) == {"effect", "what", "detail", "position", "length"}


@pytest.mark.parametrize(
    "line",
    [
        *(b"{", b"[]", b"1", b'{"id": 7}', b'{"id": 7, "dialect": 1, "sql": "x"}', b"\x00"),
        *(b"[" * 9999, b'{"id": 7, "dialect": "postgres", "sql": "\xff"}', b"9" * 9999),
        *(b'{"id": NaN, "dialect": "postgres"}', b'{"sql": null, "dialect": "postgres"}'),
    ],
)
def test_a_line_that_asks_nothing_is_unknown(line: bytes) -> None:
    said = json.loads(answer(line, never))

    assert (said["effect"], said["reasons"][0]["what"]) == ("unknown", "input")
    assert said["id"] == (7 if b'"id": 7' in line else None)


def never(_dialect: str, _sql: str) -> Any:
    raise AssertionError("There is nothing to classify.")


def test_blank_lines_are_no_questions(tmp_path: Path) -> None:
    assert answers(tmp_path, "", asked(1, "sqlite", "SELECT 1"), "  ") == [
        {"id": 1, "effect": "read", "reasons": []}
    ]


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    """As `head` does; what comes next on standard input is never read."""
    lines = tmp_path / "many.jsonl"
    lines.write_text((asked(1, "sqlite", "SELECT 1") + "\n") * 2_000, "utf-8")
    with subprocess.Popen(  # noqa: S603  our own command, no shell
        [sys.executable, "-m", "interlock", "sql", "classify", str(lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["effect"] == "read"
        process.stdout.close()
        assert process.stderr.read() == b""


def test_negative_jobs_are_refused(stranger: Desk) -> None:
    assert stranger.run("sql classify --jobs -1").code == 2


def test_explaining_offline_shows_each_reason_at_its_place(stranger: Desk) -> None:
    sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid"
    said = stranger.run(f"sql explain '{sql}' --dialect postgres", terminal=True)

    assert said.code == 5
    assert said.out.splitlines()[:6] == [
        "✖ admin: not a proven read.",
        "  pg_terminate_backend(): ends another session; this is the action",
        "  pg.terminate_backend.",
        "    1 | SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid…",
        "      |        ^~~~~~~~~~~~~~~~~~~~",
        "",
    ]
    assert "This is the action pg.terminate_backend; `interlock actions" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_a_read_says_what_is_assumed_and_ends_well(stranger: Desk) -> None:
    said = stranger.run("sql explain 'SELECT a FROM jobs LIMIT 5' --dialect postgres")

    assert said.code == 0
    assert said.out.startswith("✔ read: it provably changes nothing, given what is assumed below.")
    assert "tables\tjobs\n" in said.out
    assert "rows\tbounded by the text\n" in said.out
    assert "assumed\tRelations are taken for tables" in said.out


def test_an_explanation_is_json_when_asked_for(stranger: Desk) -> None:
    said = stranger.run("sql explain 'DROP TABLE t' --dialect sqlite --json effect,kind")

    assert json.loads(said.out) == {"effect": "ddl", "kind": "drop"}
    assert said.code == 5


def test_a_dialect_without_an_engine_is_explained_as_unknown(stranger: Desk) -> None:
    said = stranger.run("sql explain 'SELECT 1' --dialect oracle")

    assert (said.code, said.out.splitlines()[0]) == (5, "✖ unknown: not a proven read.")


def test_the_gateway_explains_what_names_mean_at_a_target(desk: Desk) -> None:
    verdict = json.loads(
        desk.run("sql explain 'SELECT a FROM jobs' --dialect postgres --json").out
    )
    there = {"target": "orders", "relations": ["public.jobs"], "assumed": []}
    desk.gateway.routes["POST /v1/sql/explain"] = verdict | there

    said = desk.run("sql explain 'SELECT a FROM jobs' --target orders")

    assert desk.gateway.last("POST /v1/sql/explain") == {
        "target": "orders",
        "sql": "SELECT a FROM jobs",
    }
    assert said.code == 0
    assert said.out.startswith("✔ read: it provably changes nothing.\n")
    assert "there\tpublic.jobs\n" in said.out


def test_a_read_of_what_may_not_be_read_there_is_no_success(desk: Desk) -> None:
    offline = desk.run("sql explain 'SELECT a FROM jobs' --dialect postgres --json").out
    verdict = json.loads(offline) | {"target": "orders", "forbidden": ["public.jobs"]}
    desk.gateway.routes["POST /v1/sql/explain"] = verdict

    said = desk.run("sql explain 'SELECT a FROM jobs' --target orders")

    assert said.code == 5
    assert said.out.startswith("✖ read, but public.jobs may not be read there.")


def test_a_target_needs_a_login(stranger: Desk) -> None:
    assert stranger.run("sql explain 'SELECT 1' --target orders").code == 4


def test_a_statement_may_begin_with_a_comment(stranger: Desk) -> None:
    assert stranger.run("sql explain '-- all\nSELECT 1' --dialect postgres").code == 0


@pytest.mark.parametrize("more", ["", "--dialect postgres --target orders"])
def test_either_a_dialect_or_a_target_is_given(stranger: Desk, more: str) -> None:
    said = stranger.run(f"sql explain 'SELECT 1' {more}")

    assert (said.code, said.out) == (2, "")
    assert "--target" in said.err


@pytest.mark.parametrize(
    ("given", "code"), [(b"SELECT 1\n", 0), (b"\xff", 2), (b"x" * 70_000, 2), (b"", 5)]
)
def test_a_statement_comes_from_standard_input(
    stranger: Desk, monkeypatch: pytest.MonkeyPatch, given: bytes, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))

    assert stranger.run("sql explain - --dialect postgres").code == code
