"""`interlock run`: a runbook in an incident, step by step, on this machine."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import asyncio
import platform
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Annotated

from cyclopts import Parameter

from interlock import client, errors
from interlock.cli import refusal
from interlock.cli.choosing import Chooser, changed_targets, refuse_unconfirmed
from interlock.cli.ending import Ending
from interlock.cli.home import USUAL, Access, Credential
from interlock.cli.live import Live
from interlock.cli.page import PLAIN, Form, Json, show_one
from interlock.cli.plain import flat
from interlock.cli.world import World, here
from interlock.client import AsyncClient, NewRun
from interlock.errors import UsageError
from interlock.manifest.model import Params
from interlock.rendering import cell_text
from interlock.runbook import Runbook, load
from interlock.runner.gateway import Renew
from interlock.runner.progress import Choose, RunResult, StepEnded, StepSkipped, Work


def run(
    runbook: str,
    /,
    *values: str,
    incident: Annotated[str, Parameter(name=["--incident", "-i"])],
    act: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    confirm: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> int:
    """Run a runbook in an incident, step by step.

    Args:
        runbook: its id; find one with `interlock runbooks find WORDS`
        values: its parameters, as name=value
        incident: the incident it runs in
        act: for scripts: also run this step if a finding suggests it (may be repeated)
        confirm: for scripts: the name of a target that may be changed (may be repeated)
        dry_run: only look: show what each action would do, and ask nobody for it
    """
    credential, params = access.credential(), parsed(values)
    with here().connect(credential.url, credential.token) as gateway:
        book = load(gateway.send(client.runbook(runbook))["notebook"], runbook)
        targets = changed_targets(book, _typed(book, params))
        if not dry_run:
            refuse_unconfirmed(book, targets, act, confirm)
        order = ordered(book, incident, params, dry_run=dry_run)
        errand = granted(_world(form), credential, book, order)
    with Ending() as ending, ending.at_once():
        chooser = Chooser(errand.world, book, targets, act, dry_run=dry_run)
        result = asyncio.run(errand.go(chooser))
    if form.json:
        show_one(_as_json(result) | _previewed(errand.live), [], form)
    return exit_code(result, book)


def granted(world: World, credential: Credential, book: Runbook, order: NewRun) -> "Errand":
    """Ask the gateway for a run of `book`."""
    with world.connect(credential.url, credential.token) as gateway:
        where = gateway.send(client.incident(order.incident))
        answer = gateway.send(client.start_run(order))
    return Errand(world, credential, book, where, answer, Live(world))


@dataclass(frozen=True, slots=True)
class Errand:
    """One run that the gateway has granted: its token, where it is told, what it runs."""

    world: World
    credential: Credential
    book: Runbook
    incident: Json
    granted: Json
    live: Live

    async def go(self, chooser: Choose) -> RunResult:
        """Run it here, step by step, and tell it."""
        from interlock.runner.run import run as run_steps  # noqa: PLC0415  Jupyter takes 0.1 s to load

        live = self.live
        live.header(self.granted["run"], self.incident, self.book.owner.team)
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(self._client(self.granted["token"]))
            return await run_steps(
                self._work(), gateway, tell=live, choose=chooser, renew=self._renewer(stack)
            )

    def _work(self) -> Work:
        run = self.granted["run"]
        return Work(
            run["id"],
            self.book.steps,
            f"{run['runbook']}@{run['version']}",
            {name: self.incident.get(name, "") for name in ("id", "title", "severity")},
            self.granted["params"],
            run["mode"],
            self.credential.url if self.credential.url.startswith("http") else "",
        )

    def _renewer(self, stack: AsyncExitStack) -> Renew:
        async def renew() -> AsyncClient:
            async with self._client(self.credential.token) as person:
                fresh = await person.send(client.renew_token(self.granted["run"]["id"]))
            return await stack.enter_async_context(self._client(fresh["token"]))

        return renew

    def _client(self, token: str) -> AsyncClient:
        return self.world.connect_async(self.credential.url, token)


def parsed(values: Sequence[str]) -> dict[str, str]:
    """Return `name=value` words as a mapping.

    Raises:
        UsageError: a word without "=", or a name given twice.
    """
    params: dict[str, str] = {}
    for word in values:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(
                f"{flat(word)!r} is not name=value.", help="For example: db=orders min_block_s=5"
            )
        if name in params:
            raise UsageError(f"{flat(name)} is given twice.", help="Give it once.")
        params[name] = value
    return params


def exit_code(result: RunResult, book: Runbook) -> int:
    """Return the exit code that a run deserves: refusals first, then failures, then findings."""
    codes = [errors.CODES[code] for code in result.codes if code in errors.CODES]
    worst = [refusal.exit_code(known.error("")) for known in codes]
    if refusal.UNKNOWN in worst:
        return refusal.UNKNOWN
    if worst:
        return worst[0]
    if result.outcome != "completed":
        return refusal.FAILED
    return refusal.FINDING_BAD if _still_bad(result, book) else refusal.OK


def _still_bad(result: RunResult, book: Runbook) -> bool:
    """Tell whether a bad finding stands: a later verify step that is ok settles what was bad."""
    bad = False
    for step in result.steps:
        if isinstance(step, StepEnded) and step.finding:
            settled = book.step(step.step).kind == "verify" and step.state == "ok"
            bad = step.state == "bad" or (bad and not settled)
    return bad


def _typed(book: Runbook, params: Mapping[str, str]) -> Params:
    return {name: bound.typed() for name, bound in book.bind(params, now=here().now()).items()}


def ordered(
    book: Runbook, incident: str, params: Mapping[str, str], *, dry_run: bool = False
) -> NewRun:
    """Return the request for a run of `book` by this runner."""
    return NewRun(
        incident,
        book.id,
        dict(params),
        dict.fromkeys(params, "person"),
        this_runner(),
        digest=book.digest,
        dry_run=dry_run,
    )


def this_runner() -> dict[str, str]:
    """Return what a runner on this machine says of itself."""
    from interlock.confine import probe  # noqa: PLC0415  likewise

    return {
        "kind": "self-hosted",
        "host": socket.gethostname(),
        "confinement": probe().rung.word,
        "library": version("interlock-runbooks"),
        "python": platform.python_version(),
    }


def _world(form: Form) -> World:
    """Return where a run is told: beside the results when those are JSON."""
    return replace(here(), out=here().err) if form.json else here()


def _as_json(result: RunResult) -> Json:
    return {
        "run": result.run,
        "outcome": result.outcome,
        "summary": result.summary,
        "steps": [_step_json(step) for step in result.steps],
    }


def _previewed(live: Live) -> Json:
    """Return what each action of a dry run would do; nothing of any other run."""
    previewed = [
        {
            "id": one.step,
            **{name.replace(" ", "_"): words for name, words in one.would.items()},
            "columns": list(one.rows.columns),
            "rows": [[cell_text(cell) for cell in row] for row in one.rows],
        }
        for one in live.previewed
    ]
    return {"previewed": previewed} if previewed else {}


def _step_json(step: StepEnded | StepSkipped) -> Json:
    if isinstance(step, StepSkipped):
        return {"id": step.step, "state": "skipped", "reason": step.reason}
    return {
        "id": step.step,
        "state": step.state,
        "attempt": step.attempt,
        "elapsed_ms": step.elapsed_ms,
        "finding": asdict(step.finding) if step.finding else None,
        "error": asdict(step.error) if step.error else None,
    }
