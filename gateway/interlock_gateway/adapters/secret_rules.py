"""Our own rules for secrets, read from `secret_rules.toml`; used in the scanner's child alone."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from ahocorasick_rs import BytesAhoCorasick


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, where it may begin, and what it masks."""

    name: str
    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def found(self, match: re.Match[bytes]) -> tuple[int, int, str]:
        """Return (start, end, rule) of what is masked, in bytes."""
        start, end = match.span("secret" if "secret" in self.pattern.groupindex else 0)
        return start, end, self.name


def load() -> tuple[Rule, ...]:
    """Return the rules that ship with the gateway.

    Raises:
        ValueError, KeyError, re.error: the file is broken; then nothing may be stored.
    """
    file = resources.files("interlock_gateway.adapters") / "secret_rules.toml"
    return tuple(
        Rule(
            name,
            tuple(anchor.encode() for anchor in one["anchors"]),
            re.compile(_as_bytes(one["pattern"])),
        )
        for name, one in tomllib.loads(file.read_text(encoding="utf-8"))["rules"].items()
    )


def _as_bytes(pattern: str) -> bytes:
    """Return a pattern over UTF-8; a mark's bracket is in sets as the byte it begins with."""
    return pattern.replace("⟦", "\\xe2").encode("ascii")


class Rules:
    """All rules in one pass: the places where any may begin are found first, then it is tried."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        """Compile the search for anchors."""
        self._everywhere = [rule for rule in rules if not rule.anchors]
        self._at: dict[bytes, list[Rule]] = {}
        for rule in rules:
            for anchor in rule.anchors:
                self._at.setdefault(anchor, []).append(rule)
        self._anchors = list(self._at)
        self._search = BytesAhoCorasick(self._anchors)

    def scan(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        """Yield (start, end, rule) for each secret, in bytes."""
        for rule in self._everywhere:
            yield from map(rule.found, rule.pattern.finditer(data))
        done: dict[str, int] = {}  # where each rule may begin again: a text is read once
        lower = data.lower()  # of ASCII alone, so that every place stays where it is
        for index, start, _ in self._search.find_matches_as_indexes(lower, overlapping=True):
            for rule in self._at[self._anchors[index]]:
                if start < done.get(rule.name, 0):
                    continue
                if match := rule.pattern.match(data, start):
                    done[rule.name] = match.end()
                    yield rule.found(match)
