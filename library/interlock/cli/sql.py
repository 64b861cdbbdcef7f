"""`interlock sql`: what the SQL guard makes of statements, before anybody runs them."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form
# ruff: noqa: PLC0415  sqlglot loads slowly, and only this verb needs the guard

import sys
from pathlib import Path
from typing import Annotated

import cyclopts

from interlock import client
from interlock.cli import refusal
from interlock.cli.crew import Crew
from interlock.cli.explanation import show_explanation
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, show_one
from interlock.cli.world import here
from interlock.errors import UsageError

app = cyclopts.App(name="sql", help="Say what the SQL guard makes of statements.")

_MOST = 64 * 1024
"""Bytes of a statement, as in the gateway; what is longer is refused without being read."""


@app.command
def classify(file: Path | None = None, /, *, jobs: int = 1) -> None:
    """Read JSON Lines `{id, dialect, sql}`; write `{id, effect, reasons}`, in order, one each.

    A line that is no such object is `unknown`, with the reason, and so is a statement that a
    process dies of; neither ends the run.

    Args:
        file: where the lines are; standard input without it
        jobs: processes that classify; 0 for as many as there are cores
    """
    if jobs < 0:
        raise UsageError("There are no negative jobs.", help="Give 0 for all cores, 1, 2, …")
    crew = Crew(jobs)
    if file is None:
        crew.answer(sys.stdin.fileno(), here().out)
    else:
        with (here().cwd / file).open("rb") as source:
            crew.answer(source.fileno(), here().out)


@app.command
def explain(
    sql: Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True)],
    /,
    *,
    dialect: str = "",
    target: str = "",
    access: Access = USUAL,
    form: Form = PLAIN,
) -> int:
    """Say what a statement would do, why, and what to do instead; nothing of it runs.

    With a dialect this looks at the text alone. With a target the gateway looks up what the names
    in it mean there. The exit code is 5 unless it is a read.

    Args:
        sql: the statement; - reads it from standard input
        dialect: postgres, sqlite, duckdb, mariadb or mysql
        target: a target of the gateway
    """
    if bool(dialect) == bool(target):
        raise UsageError(
            "A statement is explained in a dialect or at a target.",
            help="Give --dialect postgres to look at the text alone, or --target NAME.",
        )
    text = _given(sql)
    if target:
        with access.connect() as gateway:
            found = gateway.send(client.explain_sql(target, text))
    else:
        found = _offline(dialect, text)
    show_one(found, [], form) if form.json else show_explanation(found)
    allowed = found["effect"] == "read" and not found["forbidden"]
    return refusal.OK if allowed else refusal.DENIED


def _offline(dialect: str, sql: str) -> Json:
    from interlock_gateway.core.statement import (
        Explanation,
        StatementError,
        classify,
        classify_source,
        translate,
    )

    try:
        statement = translate(dialect, sql)
    except StatementError:
        return Explanation(dialect, sql, classify_source(dialect, sql)).as_json()
    return Explanation(dialect, sql, classify(statement), statement).as_json()


def _given(sql: str) -> str:
    """Return the statement; from standard input the last line break is no part of it."""
    if sql != "-":
        return sql
    given = sys.stdin.buffer.read(_MOST + 2)
    try:
        text = given.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The statement is not UTF-8: byte {error.start + 1} belongs to no character.",
            help="Save it as UTF-8; `iconv` converts.",
        ) from error
    if len(given) > _MOST + 1:
        raise UsageError(f"A statement has at most {_MOST:,} bytes.", help="Make it shorter.")
    return text
