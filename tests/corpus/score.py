"""Score the SQL guard against labelled statements: what passed unsafe, which reads were refused.

    python tests/corpus/score.py FOLDER [--show]

The folder holds `*.jsonl.gz` files of `{id, dialect, sql, label, …}`; every label but `read` is
unsafe (`read_err`: a read that fails; neither counted). Only dialects with an engine are scored;
rows of `mysql` were executed on MariaDB, and are scored in both dialects.
"""
# ruff: noqa: T201  a script that prints

import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interlock_gateway.core.model import SQL, Dialect, Effect
from interlock_gateway.core.statement import classify_source

_SHOWN = 12


def rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row, once for every supported dialect it counts in, with its file's name."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield from ((path.name, {**row, "dialect": name}) for name in _dialects(row))


def _dialects(row: dict[str, Any]) -> tuple[str, ...]:
    dialect = row["dialect"]
    if dialect == Dialect.MYSQL:
        return (Dialect.MYSQL, Dialect.MARIADB)
    return (dialect,) if dialect in set(SQL) else ()


def main(arguments: list[str]) -> None:
    """Print one line of figures per file and dialect, then what went wrong."""
    totals: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    wrong: dict[str, list[str]] = defaultdict(list)
    for name, row in rows(Path(arguments[0])):
        verdict = classify_source(row["dialect"], row["sql"])
        label, passed = row["label"], verdict.effect is Effect.READ
        tally = totals[name, row["dialect"]]
        tally["reads" if label == "read" else "unsafe"] += 1
        if label == "read" and not passed:
            tally["refused"] += 1
            reason = verdict.reasons[0]
            why = f"{reason.what} | {reason.detail[:90]}"
            wrong[f"{row['dialect']} refused: {why}"].append(row["sql"])
        if label not in ("read", "read_err") and passed:
            tally["passed"] += 1
            wrong[f"{row['dialect']} PASSED {label} {row.get('why', '')}"].append(row["sql"])
    for (name, dialect), tally in totals.items():
        print(name, dialect, dict(tally))
    if "--show" in arguments:
        _show(wrong)


def _show(wrong: dict[str, list[str]]) -> None:
    for why, statements in sorted(wrong.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(statements):5} {why}")
        for statement in statements[:_SHOWN]:
            print("      ", repr(statement[-150:]))


if __name__ == "__main__":
    main(sys.argv[1:])
