"""Events that tell one thing together become one moment that cites them all.

A start joins its end, an answered query joins the step that asked, a vote joins the decision it
made. What does not find its partner stays a moment of its own: a start without an end is seen.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from interlock.export.model import Exhibit, Moment, Source

Key = Callable[[Moment], Hashable | None]


def _call(moment: Moment) -> Hashable | None:
    about = moment.subject
    call = (about.run, about.step, about.attempt, about.ordinal, about.member)
    return call if about.run else None


def _attempt(moment: Moment) -> Hashable | None:
    about = moment.subject
    return (about.run, about.step, about.attempt) if about.run and about.step else None


def _approval(moment: Moment) -> Hashable | None:
    return moment.subject.approval or None


def _plan(moment: Moment) -> Hashable | None:
    """Of what is about a plan as a whole."""
    return None if moment.subject.approval else moment.subject.plan or None


@dataclass(frozen=True, slots=True)
class Rule:
    """Moments of the types `taken` join the one of the types `keeps` that has the same key.

    Attributes:
        many: all of them join, or only the last one.
        after: those recorded after the keeper join as well.
    """

    keeps: frozenset[str]
    taken: frozenset[str]
    key: Key
    many: bool = False
    after: bool = False


def _types(*names: str) -> frozenset[str]:
    return frozenset(names)


STEP_ENDS = _types(
    "step.completed", "step.failed", "step.timed_out", "step.cancelled", "step.skipped"
)
QUERY_ENDS = _types("query.completed", "query.failed", "query.denied")
ACTION_ENDS = _types("action.succeeded", "action.failed", "action.outcome_unknown")
DECISIONS = _types("approval.approved", "approval.denied")
REFUSALS = _types("query.denied", "action.denied")
"""Calls that were refused: nothing ran."""

RULES = (
    Rule(QUERY_ENDS, _types("query.started"), _call),
    Rule(STEP_ENDS, _types("step.started"), _attempt),
    Rule(STEP_ENDS, _types("query.completed"), _attempt, many=True),
    # What was asked for is known by its call: it has no approval's number yet.
    Rule(_types("approval.requested", "action.previewed"), _types("action.requested"), _call),
    Rule(
        _types("approval.requested"),
        _types("approval.prompted"),
        _approval,
        many=True,
        after=True,
    ),
    Rule(_types("plan.requested"), _types("approval.prompted"), _plan, many=True, after=True),
    Rule(DECISIONS, _types("approval.voted"), _approval),
    Rule(ACTION_ENDS, _types("action.started"), _approval),
    Rule(ACTION_ENDS, _types("action.prepared"), _approval),
)


def fold(moments: Sequence[Moment]) -> list[Moment]:
    """Return fewer moments that cite the same events; `moments` are in order of sequence."""
    folded = list(moments)
    for rule in RULES:
        folded = _apply(rule, folded)
    return folded


def _apply(rule: Rule, moments: list[Moment]) -> list[Moment]:
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for place, moment in enumerate(moments):
        key = rule.key(moment)
        if moment.type in rule.taken and key is not None:
            waiting[key].append(place)
    if not waiting:
        return moments
    joined: dict[int, list[int]] = {}
    for place, moment in enumerate(moments):
        if moment.type in rule.keeps and (
            taken := _take(rule, waiting.get(rule.key(moment), []), place)
        ):
            joined[place] = taken
    gone = {place for places in joined.values() for place in places}
    return [
        _join([moments[other] for other in sorted([*joined[place], place])], moment)
        if place in joined
        else moment
        for place, moment in enumerate(moments)
        if place not in gone
    ]


def _once(exhibits: Sequence[Exhibit]) -> tuple[Exhibit, ...]:
    """Keep one of each: a request and its approval hold the same arguments and reason."""
    if len(exhibits) > _MANY:
        return tuple(exhibits)
    return tuple(one for place, one in enumerate(exhibits) if one not in exhibits[:place])


_MANY = 64
"""More exhibits than this are not compared with each other: it takes the square of the time."""


def _take(rule: Rule, waiting: list[int], place: int) -> list[int]:
    """Take from `waiting`, in place, what joins the keeper at `place`."""
    fitting = [other for other in waiting if rule.after or other < place]
    taken = fitting if rule.many else fitting[-1:]
    gone = set(taken)
    waiting[:] = [other for other in waiting if other not in gone]
    return taken


def _join(together: Sequence[Moment], keeper: Moment) -> Moment:
    """Return `keeper` with everything of the moments `together`, itself among them, in order."""
    found = [_taken_in(source, keeper) for moment in together for source in moment.sources]
    sources = sorted(found, key=lambda source: (len(source.event), source.event))
    return replace(
        keeper,
        events=tuple(source.event for source in sources),
        sources=tuple(sources),
        exhibits=_once([exhibit for moment in together for exhibit in moment.exhibits]),
        links=tuple(dict.fromkeys(link for moment in together for link in moment.links)),
    )


def _taken_in(source: Source, keeper: Moment) -> Source:
    """Note with which event a source began to be told: the first that took it in."""
    alone = source.until or source.event == keeper.event
    return source if alone else replace(source, until=keeper.event)
