"""The DuckDB judge: what a statement did to a database that may be changed.

It runs in a process of its own, `duckdb_witness.py`, and is started again when DuckDB broke or did
not come back. Neither says that a statement did anything, so neither counts as an effect; both
are counted.
"""

import json
import selectors
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from interlock_gateway.adapters.targets import duck_catalogue
from interlock_gateway.core.model import Statement
from interlock_gateway.core.statement import Catalogue

_WORLD = Path(__file__).parent / "worlds/duckdb.sql"
_TESTS = Path(__file__).parents[1]
_SECONDS = 30.0  # for one batch; the witness interrupts each statement long before


class LostError(Exception):
    """The witness ended, or did not answer in time."""


@dataclass(slots=True)
class DuckdbJudge:
    """Judges by executing.

    Attributes:
        folder: an empty folder to work in.
        ran: statements that worked.
        lost: statements after which the witness had to be started again.
    """

    folder: Path
    ran: int = 0
    lost: list[str] = field(default_factory=list)
    _witness: subprocess.Popen[str] | None = None

    def catalogue(self) -> Catalogue:
        """Return what the names in its world mean; files for it are made in `folder`."""
        world = _WORLD.read_text("utf-8").replace("'x.csv'", f"'{self.folder}/x.csv'")
        world = world.replace("'y.parquet'", f"'{self.folder}/y.parquet'")
        with duckdb.connect(":memory:") as connection:
            connection.execute(world.replace("'z.json'", f"'{self.folder}/z.json'"))
            return duck_catalogue.catalogue(duck_catalogue.facts(connection))

    def close(self) -> None:
        """End the witness."""
        if self._witness is not None:
            self._witness.kill()
            self._witness.communicate()
        self._witness = None

    def judge(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return for each statement why it is no read, or ""."""
        return self.run(statements)

    def run(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return what DuckDB makes of each statement."""
        try:
            return self._asked(statements)
        except LostError:
            self.close()
        if len(statements) > 1:
            return [self.run([statement])[0] for statement in statements]
        self.lost.append(statements[0].text)
        return [""]

    def _asked(self, statements: Sequence[Statement]) -> list[str]:
        question = [(statement.text, len(statement.names)) for statement in statements]
        answers = json.loads(self._answer(json.dumps(question)))
        self.ran += sum(ran for _, ran in answers)
        return [str(why) for why, _ in answers]

    def _answer(self, question: str) -> str:
        witness = self._started()
        if witness.stdin is None or witness.stdout is None:
            raise LostError
        try:
            witness.stdin.write(question + "\n")
            witness.stdin.flush()
        except BrokenPipeError as error:
            raise LostError from error
        with selectors.DefaultSelector() as selector:
            selector.register(witness.stdout, selectors.EVENT_READ)
            line = witness.stdout.readline() if selector.select(_SECONDS) else ""
        if not line:
            raise LostError
        return line

    def _started(self) -> subprocess.Popen[str]:
        if self._witness is None:
            self._witness = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "fuzz.duckdb_witness", str(self.folder)],
                cwd=_TESTS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._witness
