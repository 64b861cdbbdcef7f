"""The kernel's end of the conversation with its runner. Standard library only.

A kernel has one inherited, already connected socket and nothing else: no token, no address, no
secret. What is asked here is stamped, authorised and recorded by the runner and the gateway.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from itertools import count
from threading import Lock
from typing import Any, NoReturn, TypeVar

from interlock import wire
from interlock.card import Card
from interlock.conclusion import Data, Finding, Words, judge
from interlock.errors import Denied, Unavailable, UsageError, error_from_problem
from interlock.rendering import previewed_lines, printable
from interlock.table import Table, unknown_name

DESCRIPTOR = "INTERLOCK_FD"
"""The environment variable that names the inherited socket."""

MAX_REQUEST = 1024 * 1024
"""Bytes in one call; the runner reads past a longer one and refuses it."""

Json = dict[str, Any]
T = TypeVar("T")


class Session:
    """Asks the runner and waits for its answer, one call at a time.

    Arguments:
        connected: a connected stream socket whose other end is the runner's broker.
        say: prints a line of progress, as while an approval is awaited.
    """

    def __init__(self, connected: socket.socket, say: Callable[[str], None] = print) -> None:
        self._socket = connected
        self._say = say
        self._lock = Lock()
        self._inbox = bytearray()
        self._numbers = count(1)
        self._owner = os.getpid()
        self._garbled = False

    @cached_property
    def about(self) -> Json:
        """What this run is: `run`, `incident`, `params`, `runbook`, `mode`."""
        return self.ask("hello")

    def ask(self, op: str, **members: Any) -> Json:
        """Send one request and return its answer.

        Raises:
            InterlockError: what the runner or the gateway refused, or `Unavailable`.
        """
        if os.getpid() != self._owner:
            raise UsageError("Only the notebook's own process may call, not one it started.")
        if not self._lock.acquire(blocking=False):
            raise Denied("Another call of this notebook is under way.", code="call-in-progress")
        try:
            return self._exchange({"id": next(self._numbers), "op": op, **members})
        finally:
            self._lock.release()

    def tell(self, line: str) -> None:
        """Show a line in the notebook."""
        self._say(line)

    def _exchange(self, request: Json) -> Json:
        data = wire.frame(request)
        if len(data) > MAX_REQUEST:
            raise Denied(f"A call may have {MAX_REQUEST:,} bytes.", code="outside-limits")
        self._send(data)
        card = Card(self._say)
        try:
            return self._answer(request["id"], card)
        finally:
            card.leave()

    def _answer(self, number: int, card: Card) -> Json:
        """Return the answer to a request, showing what it waits for until then."""
        said: set[str] = set()
        while True:
            answer = self._receive()
            if answer.get("id") != number:
                continue  # the late answer to a call that was interrupted
            if "progress" in answer:
                self._tell(answer["progress"], said, card)
            elif "error" in answer:
                raise error_from_problem(answer["error"])
            else:
                return dict(answer["ok"])

    def _tell(self, progress: Json, said: set[str], card: Card) -> None:
        line = str(progress.get("line", ""))
        if not line or line in said:
            return
        said.add(line)
        if "card" in progress:
            card.show(progress["card"], line)
        else:
            self._say(line)

    def _send(self, data: bytes) -> None:
        if self._garbled:
            raise Unavailable(
                "This kernel was interrupted in the middle of a message.",
                help="Start a new run; what was recorded stays.",
            )
        self._garbled = True  # until the last byte is out: an interrupt may fall in between
        try:
            self._socket.sendall(data)
        except OSError as error:
            _runner_gone(error)
        self._garbled = False

    def _receive(self) -> Json:
        message = wire.read_frame(self._take)
        return message if message is not None else _runner_gone(None)

    def _take(self, size: int) -> bytes:
        """Return `size` bytes; interrupted while waiting, what has come stays for later."""
        while len(self._inbox) < size:
            select.select([self._socket], [], [])
            self._garbled = True
            try:
                chunk = self._socket.recv(max(size - len(self._inbox), 65536))
            except OSError as error:
                _runner_gone(error)
            self._inbox += chunk
            self._garbled = False
            if not chunk:
                break
        taken = bytes(self._inbox[:size])
        del self._inbox[:size]
        return taken


def _runner_gone(cause: OSError | None) -> NoReturn:
    raise Unavailable(
        "The runner of this notebook is gone.", help="Start a new run: `interlock run`."
    ) from cause


@cache
def current() -> Session:
    """Return the session of this kernel.

    Raises:
        UsageError: this process was not started by a runner.
    """
    number = os.environ.get(DESCRIPTOR, "")
    if not number.isdecimal():
        raise UsageError("This notebook is not running under Interlock.", code="not-in-a-run")
    return Session(socket.socket(fileno=int(number)))


# --- what a notebook calls --------------------------------------------------------------------


def query(target: str, sql: str, /, *, max_rows: int | None = None, **params: Any) -> Table:
    """Ask a target a question that provably changes nothing.

    Arguments:
        target: the name of a target, as `orders`.
        sql: one statement; values stand in it as `:name`.
        max_rows: cut the answer here; the gateway has a limit of its own.
        params: a value for each `:name`.

    Raises:
        Denied: not provably a read, not in the manifest, or not permitted; nothing ran.
        TargetFailed: the target refused or timed out.
        Unavailable: the target cannot be reached.
    """
    request = {"target": target, "sql": sql, "params": typed(params)}
    limit = {} if max_rows is None else {"max_rows": max_rows}
    return Table(current().ask("query", **request, **limit))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an approved action.

    Attributes:
        approval: the id of the approval under which it ran.
        state: `succeeded`; anything else is raised as an error.
        affected: how many rows it touched, where the target says.
        verified: whether the check afterwards found what should follow; None without a check.
        message: what that check found.
        event: the id of the event that proves it.
        elapsed_ms: how long the target took.
        rows: what the statement gave back.
        undo_sql: the statements that bring the rows back as they were, where that is certain; to
            be asked for and approved like any other change.
        would: in a dry run, where `state` is `previewed` and nothing was changed: what it would
            do, what it needs and how it could be undone. `rows` are then the preview.
    """

    approval: str
    state: str
    affected: int | None
    verified: bool | None
    message: str
    event: str
    elapsed_ms: float
    rows: Table = field(repr=False)
    undo_sql: str = ""
    would: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Outcome":
        """Return the outcome that the gateway's answer describes."""
        verify = answer.get("verify") or {}
        return cls(
            approval=str(answer.get("approval") or ""),
            state=str(answer.get("state") or "succeeded"),
            affected=answer.get("affected"),
            verified=verify.get("verified"),
            message=printable(str(verify.get("message") or "")),
            event=str(answer.get("event") or ""),
            elapsed_ms=float(answer.get("elapsed_ms") or 0),
            rows=Table(answer),
            undo_sql=str(answer.get("undo_sql") or ""),
            would=_would(answer),
        )

    def __repr__(self) -> str:
        if self.would:
            return f"◌ dry run: nothing was asked for or changed\n{self.would}"
        touched = "" if self.affected is None else f", {self.affected} affected"
        checked = {True: ", verified", False: f", NOT verified: {self.message}", None: ""}
        mark = "⚠" if self.verified is False else "✔"
        done = f"{mark} {self.state}{touched}{checked[self.verified]}"
        undo = " · to undo it: .undo_sql" if self.undo_sql else ""
        return f"{done} · {self.approval} · {self.elapsed_ms:.0f} ms{undo}"


def _would(answer: Mapping[str, Any]) -> str:
    lines = previewed_lines(answer).items()
    return "\n".join(f"  {name:<11}{words}" for name, words in lines)


def act(action: str, /, *, target: str, reason: str = "", **args: Any) -> Outcome:
    """Ask for a catalogued action, wait for its approval, and run it once.

    Arguments:
        action: the action's id, as `pg.terminate_backend`.
        target: what it acts on.
        reason: why; the approvers read it.
        args: the action's arguments.

    Raises:
        Denied: not permitted, or what it aims at has changed; nothing ran.
        ApprovalRefused: denied, expired, withdrawn; nothing ran.
        TargetFailed: it was tried and proven to have had no effect, or its check failed.
        OutcomeUnknown: it may have happened; look before anything else.
    """
    request = {"action": action, "target": target, "args": typed(args), "reason": reason}
    return Outcome.of(current().ask("act", **request))


def execute(target: str, sql: str, /, *, max_rows: int, reason: str, **params: Any) -> Outcome:
    """Ask for a mutating statement, wait for its approval, and run it once.

    Arguments:
        target: the name of a target.
        sql: one statement; values stand in it as `:name`.
        max_rows: it is rolled back if it would touch more rows than this.
        reason: why; the approvers read it.
        params: a value for each `:name`.

    Raises: as `act`.
    """
    request = {"target": target, "sql": sql, "params": typed(params)}
    return Outcome.of(current().ask("execute", **request, max_rows=max_rows, reason=reason))


def finding(
    data: Data | None,
    *,
    bad: bool = False,
    warn: bool = False,
    ok: str = "",
    text: str = "",
    next: str = "",  # noqa: A002  the word runbooks use
) -> Finding:
    """Conclude a step. On data that is cut or missing the conclusion is `unknown`, never ok.

    Arguments:
        data: the table it rests on, or rows of one; None when there is none.
        bad: whether it is bad.
        warn: whether it deserves a look, unless it is bad.
        ok: said when neither; without it that case is `info`.
        text: said otherwise; `{column}` stands for the first row's cell.
        next: the step to go on with unless all is well.

    Raises:
        UsageError: the text names a column that is not there.
    """
    concluded = judge(data, Words(ok, text, next), bad=bool(bad), warn=bool(warn))
    evidence = data.evidence if isinstance(data, Table) else ""
    shown = {"status": concluded.status, "text": concluded.text, "next": concluded.next}
    current().ask("finding", **shown, data={"rows": len(data or ()), "evidence": evidence})
    return concluded


def note(text: str, kind: str = "observation", *, about: Table | None = None) -> None:
    """Write a note on the incident's timeline, by this run.

    Arguments:
        text: what to note.
        kind: observation, hypothesis, question or surprise. What a person alone can say is
            refused here: a decision, an answer, a correction.
        about: the result that it is about; the note then points at the event that proves it.
    """
    evidence = about.evidence if isinstance(about, Table) else ""
    current().ask("note", text=text, kind=kind, about=evidence)


def now() -> datetime:
    """Return the time as the runner has it, with its zone."""
    return datetime.fromisoformat(str(current().ask("now")["now"]))


def poll(
    ask: Callable[[], T],
    *,
    until: Callable[[T], object],
    every: float = 2.0,
    timeout: float = 30.0,
) -> T:
    """Call `ask` until `until` accepts what it gives; return the last it gave.

    Arguments:
        ask: usually `lambda: query(…)`.
        until: says whether that will do.
        every: seconds between two calls, at least 0.2.
        timeout: seconds after which the last value is returned as it is.
    """
    ends = time.monotonic() + timeout
    while True:
        value = ask()
        if until(value) or time.monotonic() >= ends:
            return value
        time.sleep(max(every, 0.2))


class Params:
    """The run's parameters: `params.min_block_s`. They cannot be changed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        values = current().about["params"]
        if name not in values:
            raise UsageError(unknown_name("parameter", name, sorted(values)), code="bad-parameter")
        return wire.decode_value(values[name])

    def __setattr__(self, name: str, _: object) -> NoReturn:
        _fixed(name)

    def __delattr__(self, name: str) -> NoReturn:
        _fixed(name)

    def __iter__(self) -> Iterator[str]:
        return iter(current().about["params"])

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {getattr(self, name)!r}" for name in self) or "no parameters"


def _fixed(name: str) -> NoReturn:
    raise UsageError(
        f"Parameters are fixed when a run starts; {name!r} cannot be changed.",
        code="bad-parameter",
        help="Start a new run with another value.",
    )


class Incident:
    """The incident this run belongs to: `incident.id`, `incident.title`, `incident.severity`."""

    @property
    def id(self) -> str:
        """Its id, as `INC-1`."""
        return self._said("id")

    @property
    def title(self) -> str:
        """What was declared."""
        return self._said("title")

    @property
    def severity(self) -> str:
        """How severe it was when the run started."""
        return self._said("severity")

    def _said(self, name: str) -> str:
        return str(current().about["incident"].get(name, ""))

    def __repr__(self) -> str:
        return printable(f"{self.id} {self.severity}: {self.title}")


def typed(values: Mapping[str, Any]) -> dict[str, Json]:
    """Return each value in the form that it has on the wire.

    Raises:
        UsageError: `bad-arguments`; a value has a type that no target understands.
    """
    try:
        return {name: wire.encode_value(value) for name, value in values.items()}
    except wire.WireError as error:
        raise UsageError(str(error), code="bad-arguments") from error
