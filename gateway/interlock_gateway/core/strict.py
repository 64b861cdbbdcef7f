"""Policy files read strictly: every key is asked for by name, and anything else is a problem.

A permissive reader turns a typing error into a rule that is never enforced. This one collects
every problem with its file and line, so that one look at the message mends them all.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""Names of people, roles, targets, tiers and rules."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a policy folder, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PolicyError(Exception):
    """The policy folder cannot be loaded; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(slots=True)
class Source:
    """One file while it is read: its text, and the problems found in it so far."""

    file: str
    text: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, message: str) -> None:
        """Note that `message` is wrong at `line`."""
        self.problems.append(Problem(self.file, line, message))


class Table:
    """One TOML table. A getter notes a problem and returns a harmless value when it must."""

    def __init__(
        self,
        source: Source,
        values: Mapping[str, Any],
        *,
        path: tuple[str, ...] = (),
        lines: Mapping[tuple[str, ...], int],
    ) -> None:
        self._source = source
        self._values = values
        self._path = path
        self._lines = lines
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def problem(self, key: str, message: str) -> None:
        """Note a problem with `key` of this table; with the table itself when `key` is ""."""
        self._source.problem(self._line(key), message)

    @property
    def line(self) -> int:
        """The line on which this table begins."""
        return self._line("")

    def text(self, key: str, *, default: str | None = None, form: str = "") -> str:
        """Return a text that is not blank and, when given, matches the expression `form`."""
        value = self._get(key, str, "a text", default=default)
        if value is None or (default is not None and value == default):
            return default or ""
        if not value.strip():
            self.problem(key, f"`{key}` is empty.")
        elif form and not re.fullmatch(form, value):
            self.problem(key, f"`{key} = {value!r}` does not have the form `{form}`.")
        return str(value)

    def choice(self, key: str, allowed: Iterable[str], *, default: str | None = None) -> str:
        """Return one of `allowed`."""
        known = list(allowed)
        value = self.text(key, default=default)
        if value and value not in known:
            self.problem(key, f"`{key} = {value!r}` is unknown{nearest(value, known)}")
        return value if value in known else (known[0] if known else "")

    def whole(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._get(key, int, "a whole number", default=default)
        if value is None:
            return low
        if not low <= value <= high:
            self.problem(key, f"`{key} = {value}` must be from {low:,} to {high:,}.")
            return low
        return int(value)

    def number(self, key: str, *, low: float, high: float, default: float | None = None) -> float:
        """Return a number from `low` to `high`."""
        value = self._get(key, (int, float), "a number", default=default)
        if value is None:
            return low
        if not low <= value <= high:
            self.problem(key, f"`{key} = {value}` must be from {low:g} to {high:g}.")
            return low
        return float(value)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return bool(self._get(key, bool, "true or false"))

    def raw(self, key: str, *, default: Any = None) -> Any:
        """Return what stands at `key`, for the caller to check."""
        self._asked.add(key)
        return self._values.get(key, default)

    def seconds(self, key: str, *, low: int, high: int) -> int:
        """Return a duration such as `90s`, `15m` or `2h`, in seconds."""
        value = self.text(key)
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", value)
        if not found:
            if value:
                self.problem(key, f"`{key} = {value!r}` is not a duration such as 90s, 15m or 2h.")
            return low
        seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
        if not low <= seconds <= high:
            self.problem(key, f"`{key} = {value!r}` must be from {low:,} to {high:,} seconds.")
        return seconds

    def names(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """Return a list of distinct texts that is not empty; of one that is not there, none."""
        if key not in self._values and not required:
            self._asked.add(key)
            return ()
        values = self._get(key, list, "a list of texts")
        if values is None:
            return ()
        if not values or not all(isinstance(value, str) and value for value in values):
            self.problem(key, f"`{key}` must be a list of texts with at least one in it.")
            return ()
        if len(set(values)) != len(values):
            self.problem(key, f"`{key}` names something twice.")
        return tuple(dict.fromkeys(values))

    def table(self, key: str, *, required: bool = True) -> "Table | None":
        """Return the table at `key`; None when there is none."""
        if key not in self._values and not required:
            self._asked.add(key)
            return None
        value = self._get(key, dict, "a table")
        return None if value is None else self._at(key, value)

    def tables(self, key: str, *, required: bool = True) -> dict[str, "Table"]:
        """Return the tables named inside the table at `key`, as in `[key.name]`."""
        parent = self.table(key, required=required)
        if parent is None:
            return {}
        return {name: found for name in parent if (found := parent.table(name))}

    def rows(self, key: str) -> list["Table"]:
        """Return the tables listed at `key`, as in `key = [{…}, {…}]` or `[[key]]`."""
        values = self._get(key, list, "a list of tables")
        if values is None:
            return []
        if not values or not all(isinstance(value, dict) for value in values):
            self.problem(key, f"`{key}` must be a list of tables with at least one in it.")
            return []
        return [self._at(f"{key}[{index}]", row, key) for index, row in enumerate(values)]

    def done(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.problem(key, f"`{key}` is unknown{nearest(key, self._asked)}")

    def refuse(self, unenforced: Mapping[str, str]) -> None:
        """Note the keys whose names are planned but which nothing enforces yet."""
        for key, why in unenforced.items():
            if key in self._values:
                self._asked.add(key)
                self.problem(key, f"`{key}` is not enforced by this version: {why}")

    def _line(self, key: str) -> int:
        path = (*self._path, key) if key else self._path
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _at(self, key: str, values: Mapping[str, Any], fallback: str = "") -> "Table":
        path = (*self._path, key)
        if path not in self._lines and fallback:
            path = (*self._path, fallback)
        return Table(self._source, values, path=path, lines=self._lines)

    def _get(self, key: str, kind: Any, what: str, *, default: Any = None) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                self.problem("", f"`{key}` is missing.")
            return default
        value = self._values[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.problem(key, f"`{key}` must be {what}.")
            return default
        return value


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that says which known word may have been meant."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; known: {', '.join(names)}." if names else "."


def toml(source: Source) -> Table | None:
    """Parse the text of `source`; a syntax error is its only problem and gives None."""
    try:
        values = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else max(1, source.text.count("\n"))
        source.problem(line, f"This is not TOML: {error}.")
        return None
    return Table(source, values, lines=_lines(source.text))


_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which each table and key stands; tomllib itself forgets them."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    quoted = False
    for number, line in enumerate(text.split("\n"), start=1):
        if not quoted:
            if header := _HEADER.match(line):
                table = _split(header[2])
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table[:-1], f"{table[-1]}[{counts[table]}]")
                found[table] = number
            elif key := _ASSIGNMENT.match(line):
                found[(*table, *_split(key[1]))] = number
        quoted ^= (line.count('"""') + line.count("'''")) % 2 == 1
    return found


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
