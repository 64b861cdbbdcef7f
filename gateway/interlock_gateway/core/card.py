"""What an approver reads in a chat: one proposal in a dozen short lines, or no button.

Everything in it is data: invisible characters are made visible and nothing is marked up. What
does not fit whole is cut where a person sees it, and then nobody can vote from the card: its
buttons are gone, and it says where the full text is.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.prompt import flat, preview_lines, prompt_digest, value_lines, visible

_EXACT = 2_400
_EXACT_LINES = 20
_PLAN_LINES = 40
_FIELD = 300
_ROWS = 2
_ROW = 160
_NAMES = 6
_SHORT = 16
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})
"""Classes of characters whose order on a screen is not their order in the text (UAX #9)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds a proposal: the incident as it is now, and how votes on it are taken."""

    severity: str
    is_open: bool = True
    web_only: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A proposal as a chat shows it.

    Attributes:
        approval: its number, such as `A-12`, or the plan's, `P-3`.
        headline: number, incident, severity, target and tier.
        asks: who wants what to run, and from where.
        exact: what will be sent, character by character, with its values.
        facts: (label, text), in order.
        hindrance: why no vote can be cast from it, or "".
    """

    approval: str
    headline: str
    asks: str
    exact: str
    facts: tuple[tuple[str, str], ...]
    hindrance: str = ""

    @property
    def text(self) -> str:
        """The card as plain text: what its prompt digest is over."""
        facts = "".join(f"{label}: {text}\n" for label, text in self.facts)
        note = f"{self.hindrance}\n" if self.hindrance else ""
        return f"{self.headline}\n{self.asks}\n{self.exact}\n{facts}{note}"

    @property
    def digest(self) -> str:
        """The prompt digest, which a vote from this card names."""
        return prompt_digest(self.text)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a button carries: which approval, and short digests of what was proposed and seen."""

    approval: str
    proposal: str
    prompt: str

    def __str__(self) -> str:
        return f"{self.approval} {self.proposal} {self.prompt}"

    def fits(self, proposal_digest: str, prompt_digest: str) -> bool:
        """Tell whether it names this proposal, shown in this way."""
        return (self.proposal, self.prompt) == (_short(proposal_digest), _short(prompt_digest))


def choice(approval: str, proposal_digest: str, prompt_digest: str) -> Choice:
    """Return what the buttons of a card carry."""
    return Choice(approval, _short(proposal_digest), _short(prompt_digest))


def read_choice(text: str) -> Choice | None:
    """Return the choice that a button carried, or None where it is not one of ours."""
    words = text.split(" ")
    return Choice(*words) if len(words) == 3 and all(words) else None  # noqa: PLR2004  its fields


def _short(digest: str) -> str:
    """Return 64 bits of a digest: enough to name one of the few that exist for an approval."""
    return digest.removeprefix("sha256:")[:_SHORT]


def card(proposal: Proposal, approval: str, setting: Setting) -> Card:
    """Return `proposal` as a chat shows it."""
    shown = _Fitting()
    exact = shown.exact("\n".join(_exact(proposal)))
    asks = (
        f"Asked by {proposal.requester}: {proposal.operation} ({proposal.effect}), "
        f"{proposal.run} {flat(proposal.runbook)}, step {flat(proposal.step)}"
    )
    facts = tuple((label, shown.field(text)) for label, text in _facts(proposal))
    asks = shown.field(asks)
    return Card(
        approval=approval,
        headline=(
            f"{approval} · {proposal.incident} {setting.severity} · "
            f"{proposal.target} ({proposal.tier}, {proposal.dialect})"
        ),
        asks=asks,
        exact=exact,
        facts=facts,
        hindrance=_hindrance(exact, setting, whole=shown.whole),
    )


def plan_card(members: Sequence[tuple[str, Proposal]], setting: Setting) -> Card:
    """Return a plan as a chat shows it: its members in order, each whole, or no button.

    Args:
        members: approval id and proposal of each, in the order of the plan.
        setting: what surrounds them.
    """
    shown, first, many = _Fitting(_PLAN_LINES), members[0][1], len(members)
    targets = ", ".join(dict.fromkeys(f"{one.target} ({one.tier})" for _, one in members))
    asks = (
        f"Asked by {first.requester}: {many} actions, decided on as one, each used once. "
        f"{first.run} {flat(first.runbook)}, step {flat(first.step)}"
    )
    exact = shown.exact(
        "\n".join(line for each in enumerate(members, 1) for line in _member(each))
    )
    facts = [
        (f"{place} {label.lower()}", shown.field(text))
        for place, (_, one) in enumerate(members, 1)
        for label, text in _facts(one)
        if label != "Reason"
    ]
    reason = shown.field(flat(first.plan["reason"] or "none given"))
    before = "each as it was before any of these ran"
    asks = shown.field(asks)
    return Card(
        approval=str(first.plan["id"]),
        headline=f"{first.plan['id']} · {first.incident} {setting.severity} · {targets}",
        asks=asks,
        exact=exact,
        facts=(*facts, ("Previews", before), ("Reason", reason)),
        hindrance=_hindrance(exact, setting, whole=shown.whole),
    )


def _member(each: tuple[int, tuple[str, Proposal]]) -> Iterator[str]:
    place, (approval, proposal) = each
    yield f"-- {place}. {approval} {proposal.operation} on {proposal.target} ({proposal.effect})"
    yield from _exact(proposal)


def _hindrance(exact: str, setting: Setting, *, whole: bool) -> str:
    if not setting.is_open:
        return ""
    if not whole:
        return "This is too long to be shown here as a whole. Open the full text to vote."
    if any(unicodedata.bidirectional(char) in _FROM_THE_RIGHT for char in exact):
        return "It holds text that runs from right to left. Open the full text to vote."
    return "Votes on this are taken in the browser alone." if setting.web_only else ""


class _Fitting:
    """Cuts what is too long, and remembers that something was."""

    def __init__(self, lines: int = _EXACT_LINES) -> None:
        self.whole = True
        self._lines = lines

    def field(self, text: str) -> str:
        return self._cut(text, _FIELD)

    def exact(self, text: str) -> str:
        lines = text.split("\n")
        if len(lines) > self._lines:
            self.whole = False
            text = "\n".join([*lines[: self._lines - 1], f"… and {len(lines)} lines in all"])
        return self._cut(text, _EXACT)

    def _cut(self, text: str, most: int) -> str:
        if escaped_length(text) <= most:
            return text
        self.whole = False
        kept = text[:most]
        while escaped_length(kept) > most:
            kept = kept[: len(kept) * most // escaped_length(kept)]
        return f"{kept}… ({len(text):,} characters in all)"


def escaped_length(text: str) -> int:
    """Return how long `text` is once `&`, `<` and `>` are written as entities."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def _exact(proposal: Proposal) -> Iterator[str]:
    yield visible(proposal.statement)
    yield from value_lines(proposal)


def _facts(proposal: Proposal) -> Iterator[tuple[str, str]]:
    yield "Would change", _changes(proposal)
    yield "Touches", flat(proposal.blast_radius)
    yield "Undo", flat(proposal.undo)
    yield "Reason", flat(proposal.reason or "none given")


def _changes(proposal: Proposal) -> str:
    """Say what a read showed, in a line or three; how much is left out is said."""
    rows = proposal.preview.get("rows", ())
    fewer: Mapping[str, object] = {**proposal.preview, "rows": rows[:_ROWS]}
    lines = [_short_line(line.strip()) for line in preview_lines(fewer)]
    if len(rows) > _ROWS:
        lines.append(f"… and {len(rows) - _ROWS:,} more rows; open the full text")
    if proposal.expect != "row count":
        lines.append(f"done only if the answer is: {proposal.expect}")
    return "; ".join(lines)


def _short_line(line: str) -> str:
    return line if len(line) <= _ROW else f"{line[:_ROW]}…"


def names(people: Sequence[str]) -> str:
    """Return people as a sentence has them, the first few by name."""
    if not people:
        return "nobody now"
    more = f" and {len(people) - _NAMES} more" if len(people) > _NAMES else ""
    return ", ".join(people[:_NAMES]) + more


def clock_of(moment: datetime) -> str:
    """Return a moment of today as people read it: `11:07:32 UTC`."""
    return f"{moment:%H:%M:%S} UTC"


def lasting(seconds: float) -> str:
    """Return a duration in words: `41 s`, `3 min 5 s`, `1 h 2 min`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004  an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
