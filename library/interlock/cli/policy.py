"""`interlock policy`: review a policy folder by its consequences, here and not in a gateway."""
# ruff: noqa: D417  the options that verbs share are described once, in Folder and Form
# ruff: noqa: PLC0415  casbin and sqlglot load slowly, and only these verbs need the gateway's core

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts

from interlock.cli import refusal
from interlock.cli.home import USUAL as USUAL_ACCESS
from interlock.cli.home import Access
from interlock.cli.page import PLAIN, Column, Form, document, field, show_list, show_one
from interlock.cli.world import here
from interlock.errors import InterlockError, UsageError

if TYPE_CHECKING:
    from interlock_gateway.core.model import Dialect
    from interlock_gateway.core.policy import Ask, Policy

app = cyclopts.App(name="policy", help="Review a policy folder by its consequences.")

Folder = Annotated[Path, cyclopts.Parameter(help="the folder that holds the policy")]
Texts = dict[str, str]

_HERE = Path("policies")
_DEEPEST = 3
_PLACE = Column("place", lambda item: f"{item['file']}:{item['line']}")
_PROBLEM = Column("problem", lambda item: item["message"])


@cyclopts.Parameter(name="*", group="Situation")
@dataclass(frozen=True, slots=True)
class Situation:
    """In which situation it is asked.

    Attributes:
        role: the person's part in the incident; nobody for none
        mode: curated or adhoc
        severity: of the incident, sev1 to sev4
    """

    role: str = "responder"
    mode: str = "curated"
    severity: str = "sev2"


USUAL = Situation()
"""A responder, in a curated run, at sev2."""


@app.command
def check(folder: Folder = _HERE, *, form: Form = PLAIN) -> int:
    """Find what does not load, lines that never decide, rules nobody can satisfy.

    The exit code is 1 when anything is found.
    """
    problems = _problems(_texts(folder))
    empty = f"✔ {folder}: nothing to mend."
    show_list(problems, [_PLACE, _PROBLEM], form, empty=empty)
    return refusal.FAILED if problems else refusal.OK


@app.command
def matrix(folder: Folder = _HERE, *, write: bool = False) -> None:
    """Print what the policy comes to, role by tier by operation.

    Args:
        write: put it into the folder's matrix.txt instead of printing it
    """
    from interlock_gateway.core.policy.matrix import matrix

    text = matrix(_policy(folder))
    if not write:
        document(text)
        return
    path = here().cwd / folder / "matrix.txt"
    path.write_text(text, "utf-8")
    here().say(f"✔ {folder / 'matrix.txt'} is written. Read the difference before committing it.")


@app.command
def explain(
    person: str,
    operation: str,
    target: str,
    /,
    folder: Folder = _HERE,
    *,
    situation: Situation = USUAL,
    form: Form = PLAIN,
) -> int:
    """Say why policy answers as it does, what else it allows, and who could approve.

    The exit code is 5 when the answer is no.

    Args:
        person: who asks
        operation: an effect such as read, or an action such as pg.terminate_backend
        target: a name of targets.toml, or a tier for any other target in it
    """
    from interlock_gateway.core.policy.explaining import explain

    policy = _policy(folder)
    ask = _ask(policy, person, operation, target, situation)
    ruling = policy.rule(ask)
    if form.json:
        answer = {name: getattr(ruling, name) for name in ("allowed", "line", "terms", "text")}
        show_one(answer | {"policy": policy.digest}, [field(name) for name in answer], form)
    else:
        document(explain(policy, ask))
    return refusal.OK if ruling.allowed else refusal.DENIED


@app.command
def simulate(
    new: Path,
    /,
    *,
    since: str = "30d",
    examples: int = 3,
    access: Access = USUAL_ACCESS,
    form: Form = PLAIN,
) -> None:
    """Decide what was really asked again, under a changed folder, and print what would differ.

    The gateway tells what was asked; the deciding is done here, and the folder stays here.

    Args:
        new: the changed folder
        since: how far to look back, as in 30d, 12h, 90m or 2w
        examples: requests to name for each kind of difference
    """
    from interlock_gateway.core.simulation import simulate

    from interlock.cli.simulated import recorded, seconds_of, show

    within_s, policy = seconds_of(since), _policy(new)
    with access.connect() as gateway:
        found = simulate(policy, recorded(gateway, within_s))
    show(found, policy.digest, since, max(0, examples), form)


def _ask(
    policy: "Policy", person: str, operation: str, target: str, situation: Situation
) -> "Ask":
    from interlock_gateway.core.model import IncidentRole, Mode, Severity
    from interlock_gateway.core.policy import ANY_TARGET, Ask

    role = situation.role
    known = policy.targets.get(target)
    if known is None and target not in policy.tiers:
        _one_of(target, [*policy.targets, *policy.tiers])
    return Ask(
        person=person,
        incident_role=None if role == "nobody" else IncidentRole(_one_of(role, IncidentRole)),
        mode=Mode(_one_of(situation.mode, Mode)),
        target=known.name if known else ANY_TARGET,
        tier=known.tier if known else target,
        operation=_one_of(operation, policy.vocabulary.operations),
        severity=Severity(_one_of(situation.severity, Severity)),
    )


def _one_of(word: str, known: Iterable[str]) -> str:
    from interlock_gateway.core.strict import nearest

    words = [str(each) for each in known]
    if word not in words:
        raise UsageError(f"{word!r} is unknown{nearest(word, words)}", help="Name one of these.")
    return word


def _problems(texts: Texts) -> list[dict[str, Any]]:
    """Return everything to mend: what does not load, or else what the checks find."""
    from interlock_gateway.core.policy import PolicyError, Problem
    from interlock_gateway.core.policy.matrix import matrix
    from interlock_gateway.core.policy.review import check

    try:
        policy = _load(texts)
        found = check(policy)
        if texts.get("matrix.txt") != matrix(policy):
            message = "It is not what the policy comes to: `interlock policy matrix --write`."
            found.append(Problem("matrix.txt", 1, message))
    except PolicyError as error:
        found = list(error.problems)
    return [{"file": each.file, "line": each.line, "message": each.message} for each in found]


def _policy(folder: Path) -> "Policy":
    from interlock_gateway.core.policy import PolicyError

    try:
        return _load(_texts(folder))
    except PolicyError as error:
        first = error.problems[0]
        raise InterlockError(
            f"The policy in {folder} does not load:\n{error}",
            code="policy-invalid",
            line=f"{first.file}:{first.line}",
            help="Mend the lines named; `interlock policy check` says whether all is well.",
        ) from error


def _load(texts: Texts) -> "Policy":
    from interlock_gateway.core.policy import load
    from interlock_gateway.core.statement import translate

    def names_in(dialect: "Dialect", sql: str) -> tuple[str, ...]:
        return translate(dialect, sql).names

    return load(texts, names_in=names_in)


def _texts(folder: Path) -> Texts:
    """Read the folder, as the gateway's own adapter does."""
    root = here().cwd / folder
    if not root.is_dir():
        raise UsageError(f"There is no folder {folder}.", help="Name the folder with the policy.")
    return {name: path.read_bytes().decode(errors="replace") for name, path in _files(root)}


def _files(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the folder's files, each with its name in it; links to folders are followed."""
    from interlock_gateway.core.policy import concerns

    for path in sorted(folder.iterdir()):
        name = prefix + path.name
        if path.is_dir() and prefix.count("/") < _DEEPEST:
            yield from _files(path, f"{name}/") if concerns(f"{name}/x") else ()
        elif path.is_file() and concerns(name):
            yield name, path
