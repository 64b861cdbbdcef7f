"""`interlock hypothesis`: what people think is wrong, with the evidence, to its end."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from typing import Literal

from cyclopts import App

from interlock.cli.home import USUAL, Access
from interlock.cli.notes import moment, numbers, place
from interlock.cli.page import PLAIN, Column, Form, Json, field, show_list
from interlock.cli.plain import flat
from interlock.cli.world import here
from interlock.client import Call, entries

Confidence = Literal["low", "medium", "high"]
Outcome = Literal["confirmed", "refuted", "superseded", "abandoned"]

app = App(name="hypothesis", help="Keep account of what you think is wrong.")

NONE = 'No hypothesis yet. Open one: interlock hypothesis open {incident} "the deploy did it"'


def _state(one: Json) -> str:
    by = f" by {one['superseded_by']}" if one.get("superseded_by") else ""
    return f"{one['state']}{by}"


def _words(one: Json) -> str:
    return f"{one['text']} — {one['last']}" if one.get("last") else str(one["text"])


_COLUMNS = [
    *(field("id"), Column("state", _state), field("confidence")),
    Column("event", lambda one: f"#{one['sequence']}" if one.get("sequence") else ""),
    Column("hypothesis", _words, shrinks=True),
]


@app.command(name="open")
def open_(
    incident_id: str,
    text: str,
    /,
    *,
    confidence: Confidence = "low",
    evidence: str = "",
    at: str = "",
    access: Access = USUAL,
) -> None:
    """Open a hypothesis.

    Args:
        text: what you think is wrong
        confidence: how sure you are
        evidence: events that speak for it, such as 12,14
        at: when you thought so, if not now: 10:42, ~10:40, "yesterday 23:10"
    """
    cited = numbers(evidence) if evidence else []
    call = entries.open_hypothesis(incident_id, text, confidence, cited, moment(at))
    done = _send(access, call)
    here().say(f"✔ {flat(done['name'])} is open{place(done)}.", "good")
    which = f"{flat(incident_id)} {flat(done['name'])}"
    here().hint(f"  next  interlock hypothesis update {which} --for 12", "dim")


@app.command
def update(
    incident_id: str,
    hypothesis: str,
    text: str = "",
    /,
    *,
    for_: str = "",
    against: str = "",
    confidence: Confidence | None = None,
    access: Access = USUAL,
) -> None:
    """Add what was learnt about a hypothesis.

    Args:
        hypothesis: which, such as H-1
        text: what was learnt
        for_: events that speak for it, such as 12,14
        against: events that speak against it
        confidence: how sure you are now
    """
    learnt: dict[str, object] = {"text": text} if text else {}
    learnt |= {"for": numbers(for_)} if for_ else {}
    learnt |= {"against": numbers(against)} if against else {}
    learnt |= {"confidence": confidence} if confidence else {}
    done = _send(access, entries.update_hypothesis(incident_id, hypothesis, learnt))
    here().say(f"✔ {flat(hypothesis)} is updated{place(done)}.", "good")


@app.command
def close(
    incident_id: str,
    hypothesis: str,
    outcome: Outcome,
    /,
    *,
    because: str,
    by: str = "",
    evidence: str = "",
    access: Access = USUAL,
) -> None:
    """End a hypothesis; it stays in the record, a dead end too.

    Args:
        hypothesis: which, such as H-1
        outcome: what became of it
        because: why
        by: the hypothesis that takes its place, such as H-2, if it is superseded
        evidence: events that show it, such as 12,14
    """
    ending: dict[str, object] = {"outcome": outcome, "reason": because, "by": by}
    ending |= {"evidence": numbers(evidence)} if evidence else {}
    done = _send(access, entries.close_hypothesis(incident_id, hypothesis, ending))
    here().say(f"✔ {flat(hypothesis)} is {outcome}{place(done)}.", "good")


@app.command(name="list")
def list_(incident_id: str, /, *, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List the hypotheses of an incident, ended ones too."""
    found = _send(access, entries.hypotheses(incident_id))["hypotheses"]
    show_list(found, _COLUMNS, form, empty=NONE.format(incident=flat(incident_id)))


def _send(access: Access, call: Call) -> Json:
    with access.connect() as gateway:
        return gateway.send(call)
