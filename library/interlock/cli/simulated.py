"""`interlock policy simulate`: what a changed policy would have answered, with examples."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from interlock import client
from interlock.cli.page import Form, Json, document, show_one
from interlock.cli.plain import flat
from interlock.errors import InterlockError, UsageError

if TYPE_CHECKING:
    from interlock_gateway.core.simulation import Answer, Difference, Recorded, Simulation

    from interlock.client import Client

_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_LONGEST_S = 10 * 366 * 86_400


def seconds_of(span: str) -> int:
    """Return a span such as 30d, 12h or 90m in seconds.

    Raises:
        UsageError: it is no such span, or longer than ten years.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,6})([mhdw])", span)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_S:
        raise UsageError(
            f"{flat(span)!r} is not how far to look back.", help="Write it as 30d, 12h, 90m or 2w."
        )
    return seconds


def recorded(gateway: "Client", within_s: int) -> Iterator["Recorded"]:
    """Yield every request that the gateway recorded in that time, oldest first.

    Raises:
        InterlockError: the gateway's answer cannot be read.
    """
    from interlock_gateway.core.simulation import Recorded  # noqa: PLC0415  it loads casbin

    after = 0
    while True:
        page = gateway.send(client.recorded_requests(within_s, after))
        try:
            yield from [Recorded.of_json(item) for item in page["requests"]]
        except ValueError as error:
            raise InterlockError(
                f"The gateway tells of requests that this version does not know. {error}",
                help="Use the same version of Interlock here and there.",
            ) from error
        after = page["next"]
        if not after:
            return


def show(found: "Simulation", policy: str, since: str, examples: int, form: Form) -> None:
    """Print counts, then each kind of difference with a few examples."""
    groups = _groups(found)
    if form.json:
        told = [_as_json(group, examples) for group in groups]
        counts = asdict(found) | {"differences": told}
        show_one({"policy": policy, "since": since, **counts}, [], form)
        return
    paragraphs = [_counts(found, since), *(_group(group, examples) for group in groups)]
    document("\n\n".join(paragraphs))


def _groups(found: "Simulation") -> list[list["Difference"]]:
    """Return differences of one kind together, the most frequent kind first."""
    kinds: dict[object, list[Difference]] = {}
    for one in found.differences:
        request = one.request
        key = (request.operation, request.tier, one.was.means, one.was.text, one.now)
        kinds.setdefault(key, []).append(one)
    return sorted(kinds.values(), key=len, reverse=True)


def _counts(found: "Simulation", since: str) -> str:
    if not found.requests:
        return f"Nothing was asked in the last {flat(since)}, so nothing can be compared."
    changed = len(found.differences)
    lines = [f"{_many(found.requests, 'request')} in the last {flat(since)}."]
    lines += [f"{'✖' if changed else '✔'} {changed:,} would be answered otherwise."]
    lines += [f"  {found.alike:,} would be answered the same{_by_other(found)}."]
    if found.not_policy:
        lines += [f"  {found.not_policy:,} were refused for a reason that no policy changes."]
    lines += [
        f"  {count:,} cannot be decided again: {why}." for why, count in found.undecided.items()
    ]
    return "\n".join(lines)


def _by_other(found: "Simulation") -> str:
    return f", {found.other_line:,} of them by another line" if found.other_line else ""


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _group(group: list["Difference"], examples: int) -> str:
    first = group[0]
    request = first.request
    what = f"{request.operation or request.kind} on {request.target} ({request.tier})"
    targets = {one.request.target for one in group}
    if len(targets) > 1:
        what = f"{request.operation or request.kind} on {len(targets)} targets ({request.tier})"
    lines = [
        f"{_many(len(group), 'request')}: {what}",
        f"  {_word(first.was)} → {_word(first.now)}",
    ]
    lines += [*_reason("was", first.was, then=True), *_reason("now", first.now, then=False)]
    lines += [f"  such as {_cited(one.request)}" for one in group[:examples]]
    return "\n".join(flat(line) for line in lines)


def _word(answer: "Answer") -> str:
    if answer.code:
        return f"refused, {answer.code}"
    return f"{answer.decision} ({answer.needs})" if answer.needs else answer.decision


def _reason(when: str, answer: "Answer", *, then: bool) -> list[str]:
    """Return the deciding line: as it was written, and where it stands, or stood then."""
    place = f"{answer.line}{' then' if then and answer.text else ''}"
    return [f"  {when}  {answer.text or place}"] + ([f"       {place}"] if answer.text else [])


def _cited(request: "Recorded") -> str:
    return f"{request.incident} {request.call} by {request.person}, {request.time[:16]}Z"


def _as_json(group: list["Difference"], examples: int) -> Json:
    first = group[0]
    cited = ("event", "time", "incident", "call", "person", "part", "target", "policy")
    return {
        "count": len(group),
        "operation": first.request.operation,
        "tier": first.request.tier,
        "was": asdict(first.was),
        "now": asdict(first.now),
        "examples": [
            {name: getattr(one.request, name) for name in cited} for one in group[:examples]
        ],
    }
