"""Decisions: what was chosen, among which options, why, and by whom; as one event."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from interlock.errors import refusal

from interlock_gateway.core.ledger import When
from interlock_gateway.core.timeline import Draft, Part, json_part, text_part
from interlock_gateway.service.citing import cite_all, references
from interlock_gateway.service.entering import Written, must_steer, timed, written
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import checked_text
from interlock_gateway.service.people import must_be_known
from interlock_gateway.service.ports import PolicySource, Store, Transaction

MOST_OPTIONS = 20


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided.

    Attributes:
        choice: what is done.
        options: what else was considered; the choice need not be among them.
        reason: why this one.
        by: who decided, if not whoever writes it down.
        evidence: numbers of events that it rests on.
    """

    choice: str
    options: Sequence[str] = ()
    reason: str = ""
    by: str = ""
    evidence: Sequence[int] = ()
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """Writes decisions down. A run decides nothing, and neither does whoever only looks on."""

    _store: Store = field(repr=False)
    _policy: PolicySource = field(repr=False)

    async def decide(self, who: Principal, incident: str, decided: Decided) -> Written:
        """Record a decision.

        Raises:
            InterlockError: the code says why not.
        """
        checked_text("decision", decided.choice, least=3)
        if len(decided.options) > MOST_OPTIONS:
            raise refusal("bad-request", f"A decision has {MOST_OPTIONS} options at the most.")
        for option in decided.options:
            checked_text("option", option)

        def unit(tx: Transaction) -> str:
            must_steer(tx, who, incident)
            if decided.by:
                must_be_known(tx, self._policy.current, decided.by)
            data = {"decided_by": decided.by or who.person.id}
            return tx.append(
                Draft(
                    "note.decision",
                    who.authid,
                    data | references(cite_all(tx, incident, decided.evidence)),
                    _parts(decided),
                    incident=incident,
                    **timed(tx, incident, decided.when),
                )
            )

        return await written(self._store, await self._store.commit(unit))


def _parts(decided: Decided) -> dict[str, Part]:
    parts = {"text": text_part(decided.choice)}
    if decided.options:
        parts["options"] = json_part(list(decided.options))
    if decided.reason.strip():
        checked_text("reason", decided.reason)
        parts["reason"] = text_part(decided.reason)
    return parts
