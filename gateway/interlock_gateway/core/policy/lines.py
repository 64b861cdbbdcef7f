"""permissions.csv and model.conf, read strictly.

Casbin's own reader takes `Deny` for an allow, drops a line with an unknown section, and loads a
short line that then breaks every decision. Here each of these is an error with its line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from interlock_gateway.core.approval_rule import FREELY
from interlock_gateway.core.model import APPROVABLE, Effect, Mode, Severity
from interlock_gateway.core.policy.engine import MODEL
from interlock_gateway.core.policy.values import Line, members, rows
from interlock_gateway.core.strict import Source, nearest

COLUMNS = (
    *("role", "mode", "target", "tier", "operation"),
    *("severity", "eft", "terms", "override"),
)
"""The columns after `p`."""

EFFECTS = tuple(effect.value for effect in Effect if effect is not Effect.UNKNOWN)
"""Effects a line may name; unknown is refused always and never offered for approval."""

TOLD = 100
"""Problems of permissions.csv that are told; whoever has so many mends these first."""

_CELLS = ("role", "mode", "target", "tier", "operation", "severity")
_ALONE = (Effect.SESSION, Effect.EXFILTRATION)
_CELL = re.compile(r"\*|[a-z0-9][a-z0-9._:-]*(?:\|[a-z0-9][a-z0-9._:-]*)*")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every word a line may use, column by column."""

    roles: tuple[str, ...]
    targets: Mapping[str, str]
    tiers: tuple[str, ...]
    actions: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def operations(self) -> tuple[str, ...]:
        """Effect words, then action ids."""
        return (*EFFECTS, *self.actions)

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """What may stand in each column, besides `*`."""
        words: tuple[Iterable[str], ...] = (
            *(self.roles, Mode, self.targets, self.tiers),
            *(self.operations, Severity),
        )
        return {column: frozenset(known) for column, known in zip(_CELLS, words, strict=True)}


def load_model(source: Source) -> None:
    """Refuse a model.conf that says anything but what the code relies on."""
    expected, found = _meaning(MODEL), _meaning(source.text)
    for (number, line), wanted in zip(found, expected, strict=False):
        if line != wanted[1]:
            source.problem(number, f"The model is fixed; this line must be `{wanted[1]}`.")
            return
    if len(found) != len(expected):
        source.problem(1, "The model is fixed; copy policies/model.conf as it is shipped.")


def _meaning(text: str) -> list[tuple[int, str]]:
    """Return the lines that say something: continued ones joined, blanks squeezed."""
    joined: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = " ".join(raw.split())
        start = start if pending else number
        if line.endswith("\\"):
            pending += line.removesuffix("\\")
        elif line and not line.startswith("#"):
            joined.append((start, pending + line))
            pending = ""
    return joined + ([(start, pending)] if pending else [])


def load_lines(source: Source, words: Vocabulary) -> tuple[Line, ...]:
    """Read permissions.csv; whatever is wrong is noted on `source`."""
    lines: dict[tuple[str, ...], Line] = {}
    written, columns = list(rows(source.text)), words.columns
    if not written:
        source.problem(1, "There is no line: nothing would ever be allowed.")
    for number, cells in written:
        if len(source.problems) >= TOLD:
            source.problem(number, "There is more to mend; from here on nothing was looked at.")
            break
        line = _line(source, number, cells)
        if line is None:
            continue
        if line.row in lines:
            source.problem(number, f"This stands on line {lines[line.row].number} too.")
        for problem in _problems(line, words, columns):
            source.problem(number, problem)
        lines.setdefault(line.row, line)
    return tuple(lines.values())


def _line(source: Source, number: int, cells: tuple[str, ...]) -> Line | None:
    if cells[0] != "p":
        source.problem(number, f"{cells[0]!r} is not a section; a line begins with `p`.")
    elif len(cells) != len(COLUMNS) + 1:
        source.problem(
            number,
            f"A line has {len(COLUMNS) + 1} cells, this one {len(cells)}: p, {', '.join(COLUMNS)}",
        )
    else:
        return Line(number, *cells[1:])
    return None


def _problems(
    line: Line, words: Vocabulary, columns: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    for column, known in columns.items():
        yield from _cell_problems(column, getattr(line, column), known)
    if "|" in line.role:
        yield "`role` is one role or `*`; write a line for each."
    if line.override not in {"-", "override"}:
        yield f"`override` is `-` or `override`, not {line.override!r}."
    if line.eft == "deny":
        if line.terms != "-":
            yield f"A deny has no terms; write `-` instead of {line.terms!r}."
    elif line.eft == "allow":
        yield from _allow_problems(line, words)
    else:
        yield f"The effect is exactly `allow` or `deny`, not {line.eft!r}."


def _cell_problems(column: str, cell: str, known: frozenset[str]) -> Iterator[str]:
    if not _CELL.fullmatch(cell):
        yield (
            f"`{column}` is `*` or names with `|` between them, not {cell!r}; "
            "there are no other patterns."
        )
        return
    names = () if cell == "*" else members(cell)
    for name in names:
        if column == "operation" and name == Effect.UNKNOWN:
            yield "`unknown` is always refused; no line can be about it."
        elif name not in known:
            yield f"{name!r} is not a known {column}{nearest(name, known)}"
    if len(set(names)) != len(names):
        yield f"`{column}` names something twice: {cell!r}."


def _allow_problems(line: Line, words: Vocabulary) -> Iterator[str]:
    operations = members(line.operation)
    if line.operation == "*":
        yield "An allow names its operations: a new action must not become allowed by itself."
        return
    if line.terms != FREELY and line.terms not in words.rules:
        known = nearest(line.terms, (FREELY, *words.rules))
        yield f"{line.terms!r} is not a rule of approvals.toml{known}"
    changing = [name for name in operations if name in APPROVABLE or name in words.actions]
    others = [name for name in operations if name not in changing]
    if changing and line.terms == FREELY:
        yield f"`{changing[0]}` changes things and cannot be free: name an approval rule."
    if others and line.terms != FREELY:
        yield f"`{others[0]}` cannot wait for an approval in this version: `freely` or nothing."
    if changing and (line.mode == "*" or Mode.ADHOC in members(line.mode)):
        yield f"Ad-hoc runs may only read: a line that allows `{changing[0]}` says `curated`."
    if len(operations) > 1 and any(alone in operations for alone in _ALONE):
        yield "`session` and `exfiltration` are each allowed by a line of their own."
