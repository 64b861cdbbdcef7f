"""What people write into a timeline, as requests; events are named by the timeline's numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from interlock.client.call import Call


@dataclass(frozen=True, slots=True)
class Said:
    """When something happened, in RFC 3339, give or take so many seconds; "" for now."""

    time: str = ""
    accuracy_s: int = 1

    @property
    def body(self) -> dict[str, Any]:
        """The fields of a request that say it."""
        return {"time": self.time, "accuracy_s": self.accuracy_s} if self.time else {}


NOW = Said()


def add_note(
    incident_id: str,
    text: str,
    kind: str = "observation",
    said: Said = NOW,
    points: Mapping[str, Any] | None = None,
) -> Call:
    """Write a note; `points` names what it `answers`, `corrects`, and its `evidence`."""
    body = {"text": text, "kind": kind, **said.body, **(points or {})}
    return _post(incident_id, "notes", body=body)


def hypotheses(incident_id: str) -> Call:
    """List hypotheses, ended ones too."""
    return _get(incident_id, "hypotheses")


def open_hypothesis(
    incident_id: str,
    text: str,
    confidence: str = "low",
    evidence: Sequence[int] = (),
    said: Said = NOW,
) -> Call:
    """Open a hypothesis."""
    body = {"text": text, "confidence": confidence, "evidence": [*evidence], **said.body}
    return _post(incident_id, "hypotheses", body=body)


def update_hypothesis(incident_id: str, hypothesis: str, update: Mapping[str, Any]) -> Call:
    """Add to a hypothesis: `text`, events `for` and `against`, a `confidence`."""
    return _post(incident_id, "hypotheses", hypothesis, "update", body=update)


def close_hypothesis(incident_id: str, hypothesis: str, ending: Mapping[str, Any]) -> Call:
    """End a hypothesis: `outcome`, `reason`, what it is superseded `by`, `evidence`."""
    return _post(incident_id, "hypotheses", hypothesis, "close", body=ending)


def decide(incident_id: str, decision: Mapping[str, Any], said: Said = NOW) -> Call:
    """Write a decision down: `choice`, `options`, `reason`, `by`, `evidence`."""
    return _post(incident_id, "decisions", body={**decision, **said.body})


def mark(
    incident_id: str, milestone: str, event: int = 0, text: str = "", said: Said = NOW
) -> Call:
    """Mark a milestone on an event, or at a time."""
    body = {"milestone": milestone, "event": event, "text": text, **said.body}
    return _post(incident_id, "milestones", body=body)


def pin(incident_id: str, event: int, text: str = "") -> Call:
    """Pin an event."""
    return _post(incident_id, "pins", body={"event": event, "text": text})


def unpin(incident_id: str, event: int, text: str = "") -> Call:
    """Take a pin down."""
    return _post(incident_id, "unpins", body={"event": event, "text": text})


def sheet(incident_id: str) -> Call:
    """Ask where an incident stands."""
    return _get(incident_id, "sheet")


def follow_ups(incident_id: str) -> Call:
    """List what the incident's postmortem owes an answer to."""
    return _get(incident_id, "followups")


def all_follow_ups(*, mine: bool = False, open_only: bool = False) -> Call:
    """List the follow-ups of every incident that one may read, or owns."""
    query = {"mine": str(mine).lower(), "open": str(open_only).lower()}
    return Call("GET", "/v1/follow-ups", query=query, idempotent=True)


def open_follow_up(
    incident_id: str, text: str, owner: str = "", due: str = "", evidence: Sequence[int] = ()
) -> Call:
    """Write down what is to be done later, by whom, until which day."""
    body = {"text": text, "owner": owner, "due": due, "evidence": [*evidence]}
    return _post(incident_id, "followups", body=body)


def close_follow_up(incident_id: str, followup_id: str, answer: str) -> Call:
    """Close a follow-up with what came of it."""
    return _post(incident_id, "followups", followup_id, "close", body={"answer": answer})


def views(incident_id: str) -> Call:
    """List every version of every narrative view."""
    return _get(incident_id, "views")


def view(incident_id: str, name: str, version: int = 0) -> Call:
    """Fetch a narrative view; the newest version where none is named."""
    return _get(incident_id, "views", name, version=version)


def save_view(incident_id: str, name: str, definition: Mapping[str, Any]) -> Call:
    """Save a view as its next version: `base`, `items`, `hide`."""
    return _post(incident_id, "views", name, body=definition)


def _path(*parts: str) -> str:
    return "/v1/incidents/" + "/".join(quote(part, safe="") for part in parts)


def _get(*parts: str, **query: Any) -> Call:
    return Call("GET", _path(*parts), query=query, idempotent=True)


def _post(*parts: str, body: Mapping[str, Any]) -> Call:
    return Call("POST", _path(*parts), body)
