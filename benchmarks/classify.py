"""What the SQL guard costs beside sqlglot's own parse of the same text, in the same rounds.

Typical statements are those of the shipped runbooks, 10 to 32 lines each; short ones are the
PostgreSQL reads of tests/core/statement/cases. Cold: the cache does not know the text. Hit: it
does. The reads of the other dialects stand beside them without a promise.
"""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from statistics import median

import sqlglot
from figure import Figure, Target, alternated, milliseconds, percentile
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement import classify, translate
from interlock_gateway.core.statement.classify import _classified

CASES = Path(__file__).parents[1] / "tests/core/statement/cases"
_OTHERS = (Dialect.MARIADB, Dialect.SQLITE, Dialect.DUCKDB)
_SQLGLOT = {Dialect.MARIADB: "mysql"}  # it has no dialect of MariaDB's own
_HITS = 1_000
_LINES = 8


def figures(*, smoke: bool) -> list[Figure]:
    """Measure cold, in the worst hundredth, and from the cache."""
    logging.disable()
    try:
        typical = _cold("typical", _typical(), smoke=smoke)
        short = _cold("short", _statements(Dialect.POSTGRES), smoke=smoke)
        others = [one for dialect in _OTHERS for one in _other(dialect, smoke=smoke)]
        return [*typical, replace(short[0], target=None), short[1], _hit(smoke=smoke), *others]
    finally:
        logging.disable(logging.NOTSET)


def _other(dialect: Dialect, *, smoke: bool) -> list[Figure]:
    """Measure the short reads of a dialect for which nothing is promised."""
    found = _cold(f"{dialect}", _statements(dialect), dialect, smoke=smoke)
    return [replace(one, target=None) for one in found]


def _cold(
    kind: str, texts: list[str], dialect: Dialect = Dialect.POSTGRES, *, smoke: bool
) -> list[Figure]:
    """Take each statement's median over the rounds, then the middle and the end of those."""
    each = {text: _one(dialect, text, smoke=smoke) for text in texts}
    ours, peer = ([found[side] for found in each.values()] for side in ("ours", "sqlglot"))
    half, last = Target("ratio", 2.0), Target("value", 20.0)
    name = f"classify, cold, {len(texts)} {kind}"
    p99 = percentile(ours, 99), percentile(peer, 99)
    return [
        Figure(f"{name}, p50", "ms", median(ours), "sqlglot parse", median(peer), half),
        Figure(f"{name}, p99", "ms", p99[0], "sqlglot parse", p99[1], last),
    ]


def _one(dialect: Dialect, text: str, *, smoke: bool) -> dict[str, float]:
    sides = {
        "ours": lambda: milliseconds(lambda: _classified(dialect, text, None)),
        "sqlglot": lambda: milliseconds(lambda: _parse(dialect, text)),
    }
    return alternated(sides, smoke=smoke)


def _hit(*, smoke: bool) -> Figure:
    known = translate(Dialect.POSTGRES, "SELECT count(*) FROM orders WHERE state = :state")
    classify(known)

    def hits() -> None:
        for _ in range(_HITS):
            classify(known)

    found = alternated({"ours": lambda: milliseconds(hits)}, smoke=smoke)
    # milliseconds for a thousand are microseconds for one
    return Figure("classify, known text", "µs", found["ours"], target=Target("value", 10.0))


def _statements(dialect: Dialect) -> list[str]:
    paths = sorted(CASES.glob(f"{dialect}*reads.sql"))
    parts = [part.strip() for path in paths for part in path.read_text().split("\n\n")]
    return [part for part in parts if part]


def _typical() -> list[str]:
    """Return the longer statements of the shipped PostgreSQL runbooks."""
    found = []
    for path in sorted((CASES.parents[3] / "runbooks/postgres").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            texts = re.findall(r'"""(.*?)"""', "".join(cell["source"]), re.DOTALL)
            found += [text for text in texts if text.count("\n") >= _LINES]
    return [translate(Dialect.POSTGRES, text).text for text in found]


def _parse(dialect: Dialect, text: str) -> object:
    """Parse as sqlglot alone would; what it cannot parse costs time as well."""
    try:
        return sqlglot.parse(text, read=_SQLGLOT.get(dialect, dialect))
    except sqlglot.errors.SqlglotError as error:
        return error
