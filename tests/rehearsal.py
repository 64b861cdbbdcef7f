"""Runs a curated runbook's cells in this process, against a real target and its engine lock.

What the gateway would ask is asked here too, in short: is the call in the manifest, do the
parameters exist. The runner, the kernel and the approvals have tests of their own.
"""

import asyncio
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from interlock import manifest, wire
from interlock.catalogue import Catalogue
from interlock.errors import Denied
from interlock.runbook import typed
from interlock_gateway.adapters.targets.postgres import PostgresActor, PostgresReader
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Limits, Rows, Target
from interlock_gateway.core.statement.translate import translate
from interlock_gateway.service.targets import Deed, Expect
from witnesses import Attentive

ROOT = Path(__file__).parent.parent
RUNBOOKS = ROOT / "runbooks"
ACTIONS = ROOT / "policies" / "actions"


@dataclass(frozen=True, slots=True)
class Logins:
    """Hands out the connection strings it was given, by name."""

    by_reference: Mapping[str, str]

    def resolve(self, reference: str) -> str:
        return self.by_reference[reference]


class Rehearsal:
    """One run of a runbook without gateway and kernel; it is also the kernel's session.

    Attributes:
        findings: step → what it concluded.
        acted: the actions that were executed, each with its arguments.
        tables: step → the first answer it got.
    """

    def __init__(
        self, name: str, dsn: str, *, act: str = "", folder: Path = RUNBOOKS, **given: Any
    ) -> None:
        self.runbook = Catalogue(folder).get(name).runbook
        self.manifest = manifest.compute(self.runbook)
        self.findings: dict[str, dict[str, Any]] = {}
        self.acted: list[tuple[str, dict[str, Any]]] = []
        self.tables: dict[str, Rows] = {}
        self._params = typed(self.runbook.bind(given))
        self._target = self._targeted()
        logins = Logins({"read": dsn, "act": act})
        postgres = self._target.dialect is Dialect.POSTGRES
        self._reader = PostgresReader(logins) if postgres else SqliteReader(logins)
        self._actor = PostgresActor(logins)
        self._loop = asyncio.Runner()
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._step = ""

    def _targeted(self) -> Target:
        name = str(self._params["db"]["value"])
        return Target(name, Dialect(self.runbook.targets[0].dialect), "test", "read", "act")

    def __enter__(self) -> Self:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("interlock.session.current", lambda: self)
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self._loop.run(self._reader.aclose())
        self._loop.close()

    def run(self, *steps: str) -> None:
        """Run the steps named, or all of them."""
        for name in steps or tuple(step.id for step in self.runbook.steps):
            self._step = name
            code = compile(self.runbook.step(name).source, f"<{name}>", "exec")
            exec(code, self._namespace)  # noqa: S102  the cell is what is tested

    def status(self, step: str) -> str:
        return str(self.findings[step]["status"])

    def text(self, step: str) -> str:
        return str(self.findings[step]["text"])

    # --- what the kernel's library calls ------------------------------------------------------

    @property
    def about(self) -> dict[str, Any]:
        return {"run": "R-1", "params": self._params, "runbook": self.runbook.id}

    def ask(self, op: str, **members: Any) -> dict[str, Any]:
        match op:
            case "query":
                return self._query(members)
            case "act":
                return self._act(members)
            case "now":
                return {"now": datetime.now(UTC).isoformat()}  # noqa: TID251  stands for the runner
            case "finding":
                self.findings[self._step] = members
        return {}

    def _query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if not self.manifest.allows(
            self._step,
            target=asked["target"],
            sql=asked["sql"],
            names=list(asked["params"]),
            params=self._params,
        ):
            raise Denied("This statement is not in the manifest.", code="not-in-manifest")
        rows = self._read(asked["sql"], asked["params"])
        self.tables.setdefault(self._step, rows)
        return _answer(rows)

    def _act(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        args = asked["args"]
        if not self.manifest.allows_action(
            self._step,
            action=asked["action"],
            target=asked["target"],
            params=self._params,
            args=list(args),
        ):
            raise Denied("This action is not in the manifest.", code="not-in-manifest")
        action = tomllib.loads((ACTIONS / f"{asked['action']}.toml").read_text())
        assert {name: value["type"] for name, value in action["arguments"].items()} == {
            name: value["type"] for name, value in args.items()
        }
        assert len(self._read(action["precheck"]["sql"], args).rows) == 1
        deed = Deed(
            translate(self._target.dialect, action["execute"]["sql"]), args, Expect.ONE_TRUE
        )
        rows = self._loop.run(self._actor.act(self._target, deed, Limits(), Attentive()))
        self._verified(action["verify"]["sql"], args)
        decoded = {name: wire.decode_value(value) for name, value in args.items()}
        self.acted.append((asked["action"], decoded))
        return {**_answer(rows), "approval": "A-1", "state": "succeeded"}

    def _verified(self, sql: str, args: Mapping[str, Any]) -> None:
        for _ in range(100):
            if not self._read(sql, args).rows:
                return
            self._loop.run(asyncio.sleep(0.05))
        pytest.fail("The action's verify query does not come true.")

    def _read(self, sql: str, params: Mapping[str, Any]) -> Rows:
        statement = translate(self._target.dialect, sql)
        used = {name: params[name] for name in statement.names}
        return self._loop.run(self._reader.read(self._target, statement, used, Limits()))


def _answer(rows: Rows) -> dict[str, Any]:
    return {
        "columns": [{"name": column.name, "type": column.type} for column in rows.columns],
        "rows": [list(row) for row in rows.rows],
        "truncated": rows.truncated,
        "elapsed_ms": rows.elapsed_ms,
        "event": "evt_1",
    }
