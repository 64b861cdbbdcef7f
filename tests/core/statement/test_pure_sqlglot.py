"""sqlglot comes compiled or in pure Python; the guard says the same of every case with either."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from interlock_gateway.core.model import SQL
from interlock_gateway.core.statement import classify_source
from sql_cases import CASES, cases

_SAY = """
import json, sys
import sqlglot.parser
from interlock_gateway.core.statement import classify_source
assert sqlglot.parser.__file__.endswith(".py"), sqlglot.parser.__file__
for line in sys.stdin:
    found = classify_source(*json.loads(line))
    print(json.dumps([found.effect, [reason.what for reason in found.reasons]]))
"""


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the installed sqlglot without what was compiled of it."""
    folder = tmp_path_factory.mktemp("pure")
    installed = Path(sqlglot.__file__).parent
    shutil.copytree(installed, folder / "sqlglot", ignore=shutil.ignore_patterns("*.so", "*.pyc"))
    return folder


def asked() -> list[tuple[str, str]]:
    """Every case of every dialect."""
    files = sorted(path.stem for path in CASES.glob("*.sql"))
    return [(name.split("_")[0], case.sql) for name in files for case in cases(name)]


@pytest.mark.heavy
def test_pure_and_compiled_sqlglot_lead_to_the_same_effects(pure: Path) -> None:
    questions = asked()
    assert {dialect for dialect, _ in questions} == set(SQL)
    done = subprocess.run(  # noqa: S603  our own script, no shell
        [sys.executable, "-W", "ignore", "-c", _SAY],
        input="\n".join(map(json.dumps, questions)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(pure), *sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    compiled = [classify_source(*question) for question in questions]
    ours = [[found.effect, [reason.what for reason in found.reasons]] for found in compiled]
    different = [
        question
        for question, one, other in zip(questions, said, ours, strict=True)
        if one != other
    ]
    assert different == []
