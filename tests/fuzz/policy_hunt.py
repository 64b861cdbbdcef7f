"""Policy folders with mistakes: none crashes the loader, none allows what casbin denies."""

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casbin import Enforcer, persist  # type: ignore[import-untyped]  # pycasbin ships no types
from fuzz.hunt import seconds, seed
from interlock_gateway.core.model import Dialect, IncidentRole, Mode, Severity
from interlock_gateway.core.policy import Ask, Policy, PolicyError, concerns, load
from interlock_gateway.core.policy.engine import MODEL
from interlock_gateway.core.policy.roles import part_name
from interlock_gateway.core.policy.values import among
from interlock_gateway.core.statement import translate

SHIPPED = Path(__file__).parents[2] / "policies"
_ASKS = 24  # questions to each folder that loads
_ENOUGH = 10  # findings after which a hunt stops: the loader is broken anyway
_WORDS = (
    *("p", "g", "role", "deny", "Deny", "allow", "ALLOW", "override", "freely", "-", "*", "|"),
    *(",", ", ", "\n", "\r", "\r\n", "\u2028", "\x00", "\ufeff", "#", '"', "'", "=", "[", "]"),
    *("sev1", "sev5", "curated", "adhoc", "production", "orders", "or*", "read", "write", "admin"),
    *("unknown", "incident:commander", "dba", "you", "one-dba", "{", "}", "-1", "1e9", "true"),
    *("999999999999999999999", "nan", "\t", "é", "\u202e", "'''", '"""', "[[case]]", "count = 0"),
)


@dataclass(slots=True)
class Hunted:
    """What a hunt saw.

    Attributes:
        seed: the number that makes the same folders again.
        folders: folders made.
        loaded: those that the loader took.
        allowed: questions that a loaded folder answered with yes.
        found: what must not be, with the change that led to it.
    """

    seed: int
    folders: int = 0
    loaded: int = 0
    allowed: int = 0
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"policy: {self.folders:,} folders in {self.seconds:.0f} s, {self.loaded:,} loaded, "
            f"{self.allowed:,} yes, {len(self.found)} findings (INTERLOCK_FUZZ_SEED={self.seed})"
        )


def hunt() -> Hunted:
    """Make folders until the time is up."""
    tally, began = Hunted(seed()), time.monotonic()
    chance = random.Random(tally.seed)  # noqa: S311  repeatable on purpose
    files = shipped()
    while time.monotonic() - began < seconds() and len(tally.found) < _ENOUGH:
        try_one(changed(files, chance), chance, tally)
    tally.seconds = time.monotonic() - began
    return tally


def shipped() -> dict[str, str]:
    """Return the shipped folder's files."""
    paths = sorted(path for path in SHIPPED.rglob("*") if path.is_file())
    names = ((path.relative_to(SHIPPED).as_posix(), path) for path in paths)
    return {name: path.read_text("utf-8") for name, path in names if concerns(name)}


def changed(files: Mapping[str, str], chance: random.Random) -> dict[str, str]:
    """Return the files with a few mistakes, most of them where they matter most."""
    found = {name: text for name, text in files.items() if name != "cases.toml"}
    for _ in range(chance.randint(1, 4)):
        often = ("permissions.csv", "roles.csv", "permissions.csv", *found)
        name = chance.choice([each for each in often if each in found])
        found[name] = _mistaken(found[name], chance)
    return found


def _mistaken(text: str, chance: random.Random) -> str:
    return _moved(text, chance) if chance.random() < 0.5 else _mistyped(text, chance)


def _moved(text: str, chance: random.Random) -> str:
    """Return the text with a line repeated, swapped, lost, or with another line's cell in it."""
    lines = text.split("\n")
    at, other = (chance.randrange(len(lines)) for _ in range(2))
    match chance.randrange(4):
        case 0:
            lines.insert(at, lines[other])
        case 1:
            lines[at], lines[other] = lines[other], lines[at]
        case 2:
            del lines[at]
        case _:
            cells = lines[at].split(",")
            cells[chance.randrange(len(cells))] = chance.choice(lines[other].split(","))
            lines[at] = ",".join(cells)
    return "\n".join(lines)


def _mistyped(text: str, chance: random.Random) -> str:
    """Return the text half written, or with words put in or over something."""
    start = chance.randint(0, len(text))
    end = min(len(text), start + chance.randint(0, 12))
    match chance.randrange(3):
        case 0:
            return text[:start]
        case 1:
            return text[:start] + "".join(chance.choices(_WORDS, k=3)) + text[start:]
        case _:
            return text[:start] + chance.choice(_WORDS) + text[end:]


def try_one(files: Mapping[str, str], chance: random.Random, tally: Hunted) -> None:
    """Load one folder; if it loads, hold its answers against stock casbin's."""
    tally.folders += 1
    try:
        policy = load(files, names_in=_names_in)
    except PolicyError as error:
        if not error.problems or any(problem.line < 1 for problem in error.problems):
            tally.found.append(f"A refusal without a place: {error}")
        return
    except Exception as error:  # noqa: BLE001  a crash is what is hunted
        tally.found.append(f"The loader crashed: {type(error).__name__}: {error}")
        return
    tally.loaded += 1
    casbin = permissive(files)
    for ask in _asks(policy, chance):
        ruling = policy.rule(ask)
        tally.allowed += ruling.allowed
        if ruling.fault:
            tally.found.append(f"{ruling.fault} at {ask}")
        elif ruling.allowed and not _agrees(casbin, ask, ruling.text):
            tally.found.append(f"{ruling.line} allows what casbin denies: {ask}")


def permissive(files: Mapping[str, str]) -> Enforcer:
    """Return stock casbin over the same texts, read by its own reader, which drops much."""
    enforcer = Enforcer(Enforcer.new_model(text=MODEL))
    for line in (files["permissions.csv"] + "\n" + files["roles.csv"]).split("\n"):
        persist.load_policy_line(line.strip(), enforcer.model)
    enforcer.build_role_links()
    enforcer.add_function("among", among)
    return enforcer


def _agrees(casbin: Enforcer, ask: Ask, text: str) -> bool:
    allowed, row = casbin.enforce_ex(
        *(ask.person, part_name(ask.incident_role), str(ask.mode), ask.target),
        *(ask.tier, ask.operation, str(ask.severity)),
    )
    return allowed is True and ", ".join(["p", *row]) == text


def _asks(policy: Policy, chance: random.Random) -> Iterable[Ask]:
    targets = [*policy.targets.values()]
    for _ in range(_ASKS if targets else 0):
        target = chance.choice(targets)
        yield Ask(
            chance.choice([*policy.roles.people, "stranger"]),
            chance.choice([None, *IncidentRole]),
            chance.choice(list(Mode)),
            target.name,
            target.tier,
            chance.choice(policy.vocabulary.operations),
            chance.choice(list(Severity)),
        )


def _names_in(dialect: Dialect, sql: str) -> tuple[str, ...]:
    return translate(dialect, sql).names
