"""What an approver reads: one proposal as plain text, complete, with nothing in it active.

Text from notebooks and targets is shown as data: control, bidirectional and zero-width
characters are made visible, so that what a person reads is what will run.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock import wire

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.drill import drill_lines, is_drill

_PREVIEW_ROWS = 5
_CELL = 60


def prompt(proposal: Proposal, approval: str, channel: str) -> str:
    """Return the text that is shown for `proposal` in `channel` (`web`, `cli`)."""
    lines = drill_lines if is_drill(proposal) else _lines
    return "\n".join(lines(proposal, approval, channel)) + "\n"


def plan_prompt(members: Sequence[tuple[str, Proposal]], channel: str) -> str:
    """Return the text that is shown for a plan: its members in order, each with its own id.

    Each is shown whole, exactly as if it were alone, and indented, so that no text of a member
    can look like the beginning of another one.
    """
    return "\n".join(_plan_lines(members, channel)) + "\n"


def prompt_digest(text: str) -> str:
    """Return the digest by which a vote names what its person saw."""
    return wire.digest(b"interlock-prompt/v1\0" + text.encode())


def visible(text: str) -> str:
    """Return `text` on as many lines as it has, with invisible characters made visible."""
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"):
        return char
    return f"⟦U+{ord(char):04X}⟧"


def _lines(proposal: Proposal, approval: str, channel: str) -> Iterator[str]:
    yield f"{approval} · {proposal.incident} · shown in {channel}"
    yield f"asked by {proposal.requester}: {proposal.operation} (effect {proposal.effect})"
    yield f"on target: {proposal.target} ({proposal.tier}, {proposal.dialect})"
    yield f"from: {proposal.run} {flat(proposal.runbook)}, step {flat(proposal.step)}"
    yield "reason: " + visible(proposal.reason or "none given").replace("\n", " ")
    yield "exactly this will be sent:"
    yield from _indented(visible(proposal.statement))
    yield from _indented("\n".join(value_lines(proposal))) if proposal.names else ()
    yield from _expectation(proposal)
    yield "what a read showed when it was asked for:"
    yield from preview_lines(proposal.preview)
    yield f"it touches: {visible(proposal.blast_radius)}"
    yield f"to undo it: {visible(proposal.undo)}"
    yield f"needs: {proposal.rule.get('needs', '')}; not {proposal.requester}"
    if proposal.rule.get("confirm_in"):
        yield f"approved only in: {proposal.rule['confirm_in']}, with a fresh login"
    if proposal.rule.get("break_glass_by"):
        roles = " or ".join(proposal.rule["break_glass_by"])
        yield f"without an approver: {roles} may break the glass; everybody is told"
    yield f"decide before: {proposal.expires_at}"


def value_lines(proposal: Proposal) -> Iterator[str]:
    """Yield a line for each value that goes along with the statement."""
    for place, name in enumerate(proposal.names, start=1):
        yield f"{place}: {flat(name)} = {_value(proposal.values[name])}"


def _plan_lines(members: Sequence[tuple[str, Proposal]], channel: str) -> Iterator[str]:
    first = members[0][1]
    plan, many = first.plan["id"], len(members)
    yield f"{plan} · {first.incident} · shown in {channel}"
    yield f"asked by {first.requester}: a plan of {many}, to be decided on as a whole"
    yield "reason: " + visible(first.plan["reason"] or "none given").replace("\n", " ")
    yield "one vote counts for every one of them; a denial denies all"
    yield "each may be used once; whatever differs when its turn comes asks again"
    yield "previews show the state before any of these ran"
    yield f"to be used, counted from the deciding vote, within {_clocks(members)}"
    yield f"decide before: {first.expires_at}"
    for place, (approval, proposal) in enumerate(members, start=1):
        yield ""
        yield f"{place} of {many}"
        yield from (
            f"  {line}"
            for told in _lines(proposal, approval, channel)
            for line in told.split("\n")
        )


def _clocks(members: Sequence[tuple[str, Proposal]]) -> str:
    """Return how long the grants last: once, or for each where they differ."""
    spans = [f"{proposal.rule.get('use_within_s', 0):,} s" for _, proposal in members]
    if len(set(spans)) == 1:
        return spans[0]
    return ", ".join(f"{span} ({place})" for place, span in enumerate(spans, start=1))


def _expectation(proposal: Proposal) -> Iterator[str]:
    if proposal.expect == "row count":
        yield f"it is undone at once unless exactly {proposal.rows:,} rows change"
    else:
        yield f"it counts as done only if the answer is: {proposal.expect}"


def preview_lines(preview: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a read showed: a note, a count, the first rows and how many more there are."""
    if preview.get("note"):
        yield f"  {visible(preview['note'])}"
    if "count" in preview:
        yield f"  {preview['count']:,} row{'' if preview['count'] == 1 else 's'} would change"
    columns, rows = preview.get("columns", ()), preview.get("rows", ())
    if not rows and "note" not in preview:
        yield "  no rows"
    for row in rows[:_PREVIEW_ROWS]:
        yield "  " + " · ".join(map(_cell, columns, row))
    if len(rows) > _PREVIEW_ROWS:
        yield f"  … and {len(rows) - _PREVIEW_ROWS:,} more rows"
    if preview.get("truncated"):
        yield f"  the whole was cut off at {visible(preview['truncated'])}"
    if "trial" in preview:
        yield "what the target answered when it only tried it:"
        yield from preview_lines(preview["trial"])


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in text.split("\n"))


def _value(typed: Mapping[str, Any]) -> str:
    return f"{flat(typed.get('value'))} ({typed.get('type')})"


def _cell(column: Mapping[str, Any], value: Any) -> str:
    text = flat(_readable(column.get("type", ""), value))
    short = text if len(text) <= _CELL else f"{text[:_CELL]}… ({len(text):,} characters)"
    return f"{flat(column['name'])} {short}"


def _readable(kind: str, value: Any) -> Any:
    """Return an interval as a person writes it; anything else as it is."""
    if kind != "interval" or not isinstance(value, str):
        return value
    return str(wire.decode_cell(kind, value))


def flat(value: Any) -> str:
    """Return a value on one line, with nothing in it invisible."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text).replace("\n", "⏎").replace("\t", " ")
