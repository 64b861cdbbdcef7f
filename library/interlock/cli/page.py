"""Shows results: tables on a terminal, tab-separated lines in a pipe, JSON when asked for."""

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter
from rich.cells import cell_len, set_cell_size

from interlock.cli.plain import flat, visible
from interlock.cli.world import here
from interlock.errors import UsageError

EVERYTHING = "*"
"""What a bare `--json` stands for (see `entry.with_fields`)."""

_GAP = "  "
_WIDEST = 30
"""Columns that a cell which does not shrink may take."""

Json = dict[str, Any]
Cell = Callable[[Json], object]


@Parameter(name="*", group="Output")
@dataclass(frozen=True, slots=True)
class Form:
    """How results are printed.

    Attributes:
        json: print JSON; with fields, as in id,title, only those
    """

    json: Annotated[str, Parameter(name="--json")] = ""


PLAIN = Form()
"""No option given: a table or tab-separated lines."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, how to get it from an item, whether it may shrink."""

    title: str
    cell: Cell
    shrinks: bool = False


def field(title: str, *, key: str = "", shrinks: bool = False) -> Column:
    """Return a column that shows the member named `key` (or `title`) of each item."""
    return Column(title, lambda item: item.get(key or title, ""), shrinks)


def show_list(items: Sequence[Json], columns: Sequence[Column], form: Form, *, empty: str) -> None:
    """Print `items`; where there are none, `empty` says how to fill the list."""
    world = here()
    if form.json:
        _print_json([picked(item, form.json) for item in items], items[:1])
    elif not items:
        (world.say if world.tables else world.hint)(empty)
    elif world.tables:
        _print_table(items, columns)
    else:
        for item in items:
            world.say("\t".join(flat(text_of(column.cell(item))) for column in columns))


def show_one(item: Json, columns: Sequence[Column], form: Form) -> None:
    """Print one item as `title  value` lines."""
    world = here()
    if form.json:
        _print_json(picked(item, form.json), [item])
        return
    cells = [(column.title, text_of(column.cell(item))) for column in columns]
    cells = [(title, text) for title, text in cells if text]
    width = max((len(title) for title, _ in cells), default=0)
    for title, text in cells:
        if world.tables:
            world.say(f"{world.styled(title.ljust(width), 'dim')}  {_wrapped(text, width + 2)}")
        else:
            world.say(f"{title}\t{flat(text)}")


def picked(item: Json, fields: str) -> Json:
    """Return the members of `item` that `fields` names.

    Raises:
        UsageError: a field that is not there; the message lists those that are.
    """
    if fields == EVERYTHING:
        return item
    names = [name.strip() for name in fields.split(",")]
    unknown = [name for name in names if name not in item]
    if unknown:
        raise UsageError(
            f"There is no field {', '.join(map(flat, unknown))}.",
            help=f"Fields: {', '.join(item)}.",
        )
    return {name: item[name] for name in names}


def text_of(value: object) -> str:
    """Return a value as people write it: yes and no, comma-separated lists."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case Mapping():
            return ", ".join(f"{name} {text_of(item)}" for name, item in value.items())
        case Iterable():
            return ", ".join(text_of(item) for item in value)
        case _:
            return str(value)


def prose(text: str, indent: str = "") -> None:
    """Print text wrapped to the terminal, each line after `indent`, its own indent kept."""
    world = here()
    for line in visible(text).splitlines():
        own = indent + line[: len(line) - len(line.lstrip())]
        wrapped = textwrap.wrap(
            line.strip(),
            max(20, world.width),
            initial_indent=own,
            subsequent_indent=f"{own}  ",
            break_on_hyphens=False,
        )
        for part in wrapped or [""]:
            world.say(part)


def document(text: str) -> None:
    """Print a document as it is, made harmless on a terminal and untouched in a pipe."""
    world = here()
    world.say((visible(text) if world.tables else text).rstrip("\n"))


def _wrapped(text: str, indent: int) -> str:
    room = max(20, here().width - indent)
    lines: list[str] = []
    for line in visible(text).splitlines():
        lines += textwrap.wrap(line, room, break_on_hyphens=False) or [""]
    return ("\n" + " " * indent).join(lines)


def _print_json(value: object, sample: Sequence[Json]) -> None:
    world = here()
    world.say(json.dumps(value, indent=2, ensure_ascii=world.tables))
    if sample and world.interactive:
        world.hint(f"Fields: {', '.join(sample[0])}. Pick some: --json id,…", "dim")


def _print_table(items: Sequence[Json], columns: Sequence[Column]) -> None:
    world = here()
    rows = [[flat(text_of(column.cell(item))) for column in columns] for item in items]
    titles = [column.title.upper() for column in columns]
    widths = _widths([titles, *rows], columns, world.width)
    world.say(world.styled(_row(titles, widths), "strong"))
    for row in rows:
        world.say(_row(row, widths))


def _widths(
    rows: Sequence[Sequence[str]], columns: Sequence[Column], room: int
) -> tuple[int, ...]:
    """Return how wide each column is: what shrinks takes what the others leave."""
    widest = [max(cell_len(row[number]) for row in rows) for number in range(len(columns))]
    kept = [
        0 if column.shrinks else min(w, _WIDEST) for column, w in zip(columns, widest, strict=True)
    ]
    left = max(10, room - sum(kept) - len(_GAP) * (len(columns) - 1))
    return tuple(keep or min(w, left) for keep, w in zip(kept, widest, strict=True))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(map(_fitted, cells, widths)).rstrip()


def _fitted(cell: str, width: int) -> str:
    """Return `cell` exactly `width` columns wide; wide characters count two (UAX #11)."""
    if cell_len(cell) > width:
        return set_cell_size(cell, width - 1) + "…"
    return set_cell_size(cell, width)
