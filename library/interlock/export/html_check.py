"""Checks an exported page with nothing of the page but its text: no script of it is run.

The page must be written exactly as Interlock writes pages. Anything else, such as a comment, an
unclosed element or an attribute in another form, is refused: what a browser would make of it is
anybody's guess, and a check that guesses proves nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from interlock.export.html_proof import carried, digest_of, proof_html, read_block, unit_digest
from interlock.export.to_html import PART
from interlock.proof import Finding, Key, block_findings, read_key
from interlock.proof.bundle_checks import anchor_findings
from interlock.proof.checking import WRONG

_TOKEN = re.compile(
    r"<(?P<close>/)?(?P<name>[a-z][a-z0-9]*)(?P<rest>(?: [a-z-]+(?:=\"[^\"<>]*\")?)*)>"
    r"|(?P<text>[^<>]+)",
    re.ASCII,
)
_UNIT = re.compile(r' data-unit="([^"]*)"')
_VOID = frozenset({"meta", "img", "br", "hr", "input"})
_PAGE = re.compile(
    r'<!doctype html>\n<html lang="en">(?P<head><head>.*?</head>)<body(?: class="many")?>'
    r'(?P<shown>.*?)(?P<data><script type="application/json" id="data">[^<]*</script>)'
    r'(?:<script type="application/json" id="(?:units|carried)">[^<]*</script>){1,2}'
    r"(?P<script><script>.*?</script>)</body></html>\n",
    re.DOTALL,
)
_NOT_OURS = "This is not written as Interlock writes pages, so nobody can say what it shows."


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page as written; the section on the proof has no name."""

    name: str | None
    start: int
    end: int


def page_findings(
    page: str, incident: str = "", trusted: Sequence[Key] = (), outside: str | None = None
) -> Iterator[Finding]:
    """Yield what the proof in an exported page shows of it, and whether the page is that page.

    Args:
        page: the whole file.
        incident: whose page it must be; "" for the one that it says it is of.
        trusted: keys that the reader knows from elsewhere; none: those in the page are used.
        outside: text in which checkpoints stand that were kept outside the store; None for none.
    """
    try:
        block, units = read_block(page, "carried"), read_block(page, "units")
        incident = incident or str(read_block(page, "data")["incident"])
        keys = list(trusted) or [read_key(text) for text in block["keys"]]
    except WRONG as error:
        yield Finding("page", holds=False, text=f"It carries no proof that can be read: {error}")
        return
    found = list(block_findings(block, incident, trusted))
    yield from found
    yield from anchor_findings(block, keys, outside)
    try:
        digests = page_digests(page)
    except ValueError as error:
        yield Finding("page", holds=False, text=str(error))
        return
    yield from _compared(digests, units)
    if proof_section(page) != proof_html(carried(block)).source:
        text = "It says something else than this version writes: another version, or changed."
        yield Finding("section “Proof”", holds=False, text=text)
    holds = any(one.about == "length" and one.holds for one in found)
    try:
        yield _stated(digest_of([digest for _, digest in digests]), block if holds else {})
    except WRONG as error:
        yield Finding("text", holds=False, text=f"What the log states cannot be read: {error}")


def _compared(digests: Sequence[tuple[str, str]], units: Sequence[str]) -> Iterator[Finding]:
    for (name, digest), exported in zip(digests, units, strict=False):
        if digest != exported:
            yield Finding(name, holds=False, text="What is shown is not what was exported.")
    if len(digests) != len(units):
        text = f"It has {len(digests)} parts; {len(units)} were exported."
        yield Finding("page", holds=False, text=text)


def _stated(digest: str, block: Mapping[str, Any]) -> Finding:
    """Hold the page against what the event of its export says of it."""
    statement = int(block.get("statement", -1))
    bodies = (entry for entry in block.get("also", ()) if int(entry["logindex"]) == statement)
    said = next((json.loads(entry["body"])["data"].get("page") for entry in bodies), None)
    if said is None:
        text = "The log does not state what this page said, so its words are not proven."
        return Finding("text", holds=False, text=text)
    if said != digest:
        text = "The page is not the one that the log states was exported."
        return Finding("text", holds=False, text=text)
    return Finding("text", holds=True, text="Every word is what the log states was exported.")


# --- the page as it is written -----------------------------------------------------------------


def page_digests(page: str) -> list[tuple[str, str]]:
    """Return the name and digest of what is around the parts of a page, then of each part.

    Raises:
        ValueError: it is not written as Interlock writes pages.
    """
    whole = _PAGE.fullmatch(page)
    if whole is None:
        raise ValueError(_NOT_OURS)
    head, shown, data, script = whole.group("head", "shown", "data", "script")
    around, units, at = head, [], 0
    for part in _parts(shown):
        source = shown[part.start : part.end]
        around += shown[at : part.start]
        if part.name is not None:
            around += PART.source
            units.append((part.name, unit_digest(source)))
        at = part.end
    return [("page", unit_digest(around + shown[at:] + data + script)), *units]


def proof_section(page: str) -> str:
    """Return the section on the proof as it stands in a page; "" if it has none.

    Raises:
        ValueError: it is not written as Interlock writes pages.
    """
    whole = _PAGE.fullmatch(page)
    if whole is None:
        raise ValueError(_NOT_OURS)
    shown = whole.group("shown")
    found = [part for part in _parts(shown) if part.name is None]
    return shown[found[0].start : found[0].end] if len(found) == 1 else ""


def _parts(shown: str) -> Iterator[Part]:
    """Yield the parts, and the section on the proof, in order; each element must be whole."""
    inside: list[str] = []
    opened: tuple[str | None, int, int] | None = None
    at = 0
    while at < len(shown):
        token = _TOKEN.match(shown, at)
        if token is None:
            raise ValueError(f"{_NOT_OURS} See character {at} of what it shows.")
        name, found = token.group("name"), _part_at(token)
        if name and token.group("close"):
            if not inside or inside.pop() != name:
                raise ValueError(f"{_NOT_OURS} An element ends that did not start.")
            if opened and len(inside) == opened[2]:
                yield Part(opened[0], opened[1], token.end())
                opened = None
        elif name and name not in _VOID:
            if found and opened:
                raise ValueError(f"{_NOT_OURS} A part stands in a part.")
            opened = (found[0], at, len(inside)) if found else opened
            inside.append(name)
        at = token.end()
    if inside:
        raise ValueError(f"{_NOT_OURS} An element has no end.")


def _part_at(token: re.Match[str]) -> tuple[str | None] | None:
    """Return the name of the part that begins here; of the section on the proof, None."""
    rest = token.group("rest") or ""
    unit = _UNIT.search(rest)
    if unit:
        return (unescape(unit.group(1)),)
    is_proof = token.group("name") == "section" and ' id="proof"' in rest
    return (None,) if is_proof else None
