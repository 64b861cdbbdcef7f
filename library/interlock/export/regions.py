"""Marked regions of a Markdown file: what an export may write again, and nothing beside it.

A region is what stands between two lines, each alone:

    <!-- interlock:begin section=timeline incident=INC-1 … digest=sha256:0f3a… -->
    <!-- interlock:end 0f3ac85e12d94b70 -->

The digest is over the lines between them, without spaces at their ends. The end repeats its
first half, so that nothing recorded can end a region: a text cannot hold its own digest. Two
lines that somebody writes by hand, `<!-- interlock:begin section=timeline -->` and
`<!-- interlock:end -->`, with nothing between them, are a place for a section.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.errors import UsageError

_BEGIN = re.compile(r"<!-- interlock:begin((?: [a-z]+=[A-Za-z0-9_.:/+-]+)*) -->[ \t]*")
_END = re.compile(r"<!-- interlock:end(?: ([0-9a-f]{16}))? -->[ \t]*")
_ANY = re.compile(r"<!--\s*interlock:", re.IGNORECASE)
_VALUE = re.compile(r"[A-Za-z0-9_.:/+-]{1,100}")
_SECTION = re.compile(r"[a-z]{1,40}")
_HALF = 16


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a file.

    Attributes:
        facts: what its first line says, by name; a digest among them unless it is a new place.
        begin, end: the numbers of its first and last line, from 1.
        lines: what stands between them, without line ends.
    """

    facts: Mapping[str, str]
    begin: int
    end: int
    lines: tuple[str, ...]

    @property
    def section(self) -> str:
        """The section it holds."""
        return self.facts["section"]

    @property
    def edited(self) -> bool:
        """Whether somebody changed it by hand."""
        if "digest" in self.facts:
            return self.facts["digest"] != digest(self.lines)
        return any(line.strip() for line in self.lines)


@dataclass(frozen=True, slots=True)
class Merged:
    """A file after its regions were written again.

    Attributes:
        text: all of it.
        changed: the sections that are not as they were.
        edited: the sections whose edits by hand were written over, because that was asked for.
    """

    text: str
    changed: tuple[str, ...]
    edited: tuple[str, ...]


def digest(lines: Sequence[str]) -> str:
    """Return the digest of a region's lines."""
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def marked(facts: Mapping[str, str], lines: Sequence[str]) -> list[str]:
    """Return `lines` between marks.

    Args:
        facts: what the first mark says; `section` among them. One that no mark can hold is left
            out.
        lines: the section.
    """
    flat = "\n".join(lines).split("\n")
    found = digest(flat)
    known = " ".join(f"{k}={v}" for k, v in facts.items() if _VALUE.fullmatch(v))
    begin = f"<!-- interlock:begin {known} digest={found} -->"
    # Tables and lists end at an empty line; a comment right below would join them.
    return [begin, "", *flat, "", f"<!-- interlock:end {_half(found)} -->"]


def regions(text: str, file: str) -> tuple[Region, ...]:
    """Return the regions of a file, in order.

    Args:
        text: all of it.
        file: its name, for messages.

    Raises:
        UsageError: a mark is not understood, has no partner, stands within another region, or a
            section stands twice; the message names the line.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    found = tuple(_found(lines, file))
    lines_of: dict[str, int] = {}
    for region in found:
        other = lines_of.setdefault(region.section, region.begin)
        if other != region.begin:
            said = f"Section {region.section} stands in line {other} already."
            raise _wrong(file, region.begin, said)
    return found


def _found(lines: Sequence[str], file: str) -> Iterator[Region]:
    at = 0
    while at < len(lines):
        begin = _BEGIN.fullmatch(lines[at])
        if begin is None:
            _plain(lines[at], file, at + 1)
            at += 1
            continue
        region = _region(lines, at, dict(_facts(begin[1])), file)
        yield region
        at = region.end


def _facts(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        name, _, value = word.partition("=")
        yield name, value


def _region(lines: Sequence[str], at: int, facts: Mapping[str, str], file: str) -> Region:
    if not _SECTION.fullmatch(facts.get("section", "")):
        raise _wrong(file, at + 1, "This mark names no section.")
    half = _half(facts["digest"]) if "digest" in facts else None
    for place in range(at + 1, len(lines)):
        end = _END.fullmatch(lines[place])
        if end and end[1] == half:
            region = Region(facts, at + 1, place + 1, tuple(lines[at + 1 : place]))
            _alone(region, file)
            return region
    wanted = f"<!-- interlock:end{f' {half}' if half else ''} -->"
    raise _wrong(file, at + 1, f"The region that begins here has no end, which is {wanted}.")


def _alone(region: Region, file: str) -> None:
    """Refuse a region with marks in it, unless it is what was written: data may look like one."""
    if not region.edited:
        return
    for place, line in enumerate(region.lines, start=region.begin + 1):
        if _ANY.match(line):
            said = f"This mark stands within the region that begins in line {region.begin}."
            raise _wrong(file, place, said)


def _plain(line: str, file: str, number: int) -> None:
    if _END.fullmatch(line):
        raise _wrong(file, number, "A region ends here, and none began.")
    if _ANY.match(line.strip()):
        raise _wrong(file, number, "This looks like a mark and is none: one begins its line.")


def _wrong(file: str, number: int, what: str) -> UsageError:
    help_text = "Mend or remove that line, or export to a new file and copy what you wrote."
    return UsageError(f"{file}, line {number}: {what}", code="bad-request", help=help_text)


def _half(found: str) -> str:
    return found.removeprefix("sha256:")[:_HALF]


def merge(text: str, file: str, fresh: Sequence[Region], *, over_edits: str = "refuse") -> Merged:
    """Return `text` with each region that is among `fresh` written again.

    What stands outside of regions stays byte for byte, and so does the way lines end.

    Args:
        text: the file as it is.
        file: its name, for messages.
        fresh: regions of a new export.
        over_edits: `refuse`, or `replace` for whoever kept a copy.

    Raises:
        UsageError: as `regions`; or a region is of another incident or profile, or was edited by
            hand and `over_edits` is `refuse`.
    """
    new = {region.section: region for region in fresh}
    old = [region for region in regions(text, file) if region.section in new]
    for region in old:
        _same(region, new[region.section], file)
    edited = [region for region in old if region.edited]
    if edited and over_edits != "replace":
        raise _edited(file, edited)
    kept = text.split("\n")
    ending = "\r" if "\r\n" in text else ""
    for region in reversed(old):
        fresh_lines = marked(_without_digest(new[region.section]), _inner(new[region.section]))
        last = kept[region.end - 1].endswith("\r")
        written = [line + ending for line in fresh_lines]
        written[-1] = fresh_lines[-1] + ("\r" if last else "")
        kept[region.begin - 1 : region.end] = written
    changed = [r.section for r in old if digest(r.lines) != digest(new[r.section].lines)]
    return Merged("\n".join(kept), tuple(changed), tuple(r.section for r in edited))


def _same(old: Region, new: Region, file: str) -> None:
    """Refuse to put another incident, or what other readers may see, where a region stands."""
    for fact in ("incident", "profile"):
        was, now = old.facts.get(fact), new.facts.get(fact)
        if was is not None and was != now:
            said = f"This region is of {fact} {was}, and the export of {now}. Nothing was written."
            raise _wrong(file, old.begin, said)


def _without_digest(region: Region) -> dict[str, str]:
    return {name: value for name, value in region.facts.items() if name != "digest"}


def _inner(region: Region) -> tuple[str, ...]:
    lines = list(region.lines)
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(lines)


def _edited(file: str, edited: Sequence[Region]) -> UsageError:
    first = edited[0]
    names = ", ".join(region.section for region in edited)
    return UsageError(
        f"{file}, lines {first.begin} to {first.end}: edited by hand since the last export "
        f"({names}). Nothing was written.",
        code="edited-by-hand",
        help="Move what you wrote out of the region, or add --force: it writes over the region "
        "and keeps the file as it is now beside it.",
    )
