"""Sentences about approvals and the actions they allow."""

from collections.abc import Mapping

from interlock.export.model import Tone
from interlock.export.reading import Reading
from interlock.export.telling import Said, Scene, Teller, because, elapsed_of, operation_of
from interlock.export.text import duration


def _approval(r: Reading, scene: Scene) -> str:
    name = r.word("approval") or "an approval"
    operation = scene.operations.get(r.word("approval"))
    return f"{name} ({operation})" if operation else name


def _subject(r: Reading, scene: Scene) -> str:
    """Return the plan that is told of as a whole, else the approval."""
    return r.word("plan") if r.word("plan") and not r.word("approval") else _approval(r, scene)


def _planned(r: Reading, _: Scene) -> Said:
    approvals = ", ".join(r.words("approvals"))
    expires = r.when("expires_at")
    until = f"; until {expires:%H:%M:%S} UTC" if expires else ""
    asked = f"{r.word('plan')} asks for approval of a plan of {r.word('plan_size')}: {approvals}"
    return Said(asked + until + because(r), Tone.WAITING)


def _taken_up(r: Reading, scene: Scene) -> Said:
    of = f" of {r.word('plan')}" if r.word("approval") else ""
    return Said(f"{_subject(r, scene)}{of} was taken up by {r.word('step')}")


def _requested(r: Reading, _: Scene) -> Said:
    asked = f"{r.word('approval')} asks for approval: {operation_of(r)}".strip()
    eligible = r.words("eligible")
    may = ", ".join(eligible) or r.word("needs")
    who = f"; may approve: {may}" if may else ""
    expires = r.when("expires_at")
    until = f"; until {expires:%H:%M:%S} UTC" if expires else ""
    # The reason gets a box even when it is short: the request joins its approval and the box
    # is what remains of it.
    return Said(asked + who + until + because(r), Tone.WAITING)


def _prompted(r: Reading, scene: Scene) -> Said:
    to = f" to {r.word('person')}" if r.word("person") else ""
    return Said(f"{_subject(r, scene)} was shown{to} on {r.word('channel') or '?'}")


def _voted(r: Reading, scene: Scene) -> Said:
    vote = r.word("vote") or "?"
    voted = f"{r.word('person') or '?'} voted {vote} on {_approval(r, scene)}"
    return Said(voted + because(r), told=("reason",))


def _vote_refused(r: Reading, scene: Scene) -> Said:
    who = r.word("person") or "?"
    refused = f"a vote by {who} on {_subject(r, scene)} was refused: {r.word('code') or '?'}"
    return Said(refused + because(r, "message"), Tone.REFUSED, told=("message",))


def _glass_broken(r: Reading, scene: Scene) -> Said:
    own = ", their own request" if r.data.get("own_request") is True else ""
    told = ", ".join(r.words("told")) or "nobody"
    broke = f"{r.word('person') or '?'} broke the glass for {_approval(r, scene)}{own}"
    return Said(f"{broke}; told: {told}{because(r)}", Tone.BAD, told=("reason",))


def _glass_refused(r: Reading, scene: Scene) -> Said:
    who, code = r.word("person") or "?", r.word("code") or "?"
    refused = f"{who} could not break the glass for {_approval(r, scene)}: {code}"
    return Said(refused + because(r, "message"), Tone.REFUSED, told=("message",))


def _follow_up_opened(r: Reading, _: Scene) -> Said:
    owner = r.word("owner")
    opened = f"follow-up {r.word('followup')} opened{f', owner {owner}' if owner else ''}"
    return Said(opened + because(r, "text"), Tone.WARN, told=("text",))


def _follow_up_closed(r: Reading, _: Scene) -> Said:
    closed = f"{r.word('person') or '?'} closed follow-up {r.word('followup')}"
    return Said(closed + because(r, "answer"), Tone.OK, told=("answer",))


def _decided(state: str, tone: Tone) -> Teller:
    def tell(r: Reading, scene: Scene) -> Said:
        by = r.words("by")
        who = f" by {', '.join(by)}" if by else ""
        broken = r.data.get("break_glass") is True
        who += " by break-glass, not by an approver" if broken else ""
        waited = r.number("after_s")
        after = f" after {duration(waited)}" if waited is not None and waited >= 0 else ""
        voted = "" if broken else scene.reasons.get(r.word("approval"), "")
        why = because(r) or voted
        return Said(f"{_approval(r, scene)} {state}{who}{after}{why}", tone, told=("reason",))

    return tell


def _action_started(r: Reading, scene: Scene) -> Said:
    what = f"{_approval(r, scene)} started; no end recorded: it may or may not have happened"
    return Said(what, Tone.UNKNOWN)


def _previewed(r: Reading, _: Scene) -> Said:
    needs = f"; it would need {r.word('needs')}" if r.word("needs") else ""
    return Said(
        f"previewed {operation_of(r)}; nothing was asked for or changed{needs}", Tone.PLAIN
    )


def _action_succeeded(r: Reading, scene: Scene) -> Said:
    affected = r.number("affected")
    rows = f", {int(affected):,} affected" if affected is not None else ""
    took = f" in {elapsed_of(r)}" if elapsed_of(r) else ""
    checked = r.data.get("verified")
    seen = ", verified" if checked is True else ", but not verified" if checked is False else ""
    done = f"{_approval(r, scene)} succeeded{took}{rows}{seen}"
    return Said(done, Tone.WARN if checked is False else Tone.OK)


def _action_failed(r: Reading, scene: Scene) -> Said:
    failed = f"{_approval(r, scene)} failed, proven without effect: {r.word('code') or '?'}"
    return Said(failed + because(r, "message"), Tone.BAD, told=("message",))


def _action_unknown(r: Reading, scene: Scene) -> Said:
    what = f"{_approval(r, scene)}: outcome unknown; it may or may not have happened"
    return Said(what + because(r, "message"), Tone.UNKNOWN, told=("message",))


def _resolved(r: Reading, scene: Scene) -> Said:
    outcome = r.word("outcome") or "?"
    who = r.word("person") or "?"
    resolved = f"{who} resolved {_approval(r, scene)} as {outcome}"
    tone = Tone.OK if outcome == "succeeded" else Tone.INFO
    return Said(resolved + because(r), tone, told=("reason",))


def _prepared(r: Reading, scene: Scene) -> Said:
    affected = r.number("affected")
    rows = f", {int(affected):,} affected" if affected is not None else ""
    return Said(f"{_approval(r, scene)} was ready to be committed{rows}", Tone.INFO)


def _proven(r: Reading, scene: Scene) -> Said:
    outcome = r.word("outcome") or "?"
    tone = Tone.OK if outcome == "succeeded" else Tone.BAD
    proven = f"It is proven that {_approval(r, scene)} {outcome}"
    return Said(proven + because(r), tone, told=("reason",))


APPROVAL_TELLERS: Mapping[str, Teller] = {
    "action.requested": _requested,
    "approval.requested": _requested,
    "plan.requested": _planned,
    "approval.taken_up": _taken_up,
    "action.previewed": _previewed,
    "approval.prompted": _prompted,
    "approval.voted": _voted,
    "approval.vote_refused": _vote_refused,
    "approval.glass_broken": _glass_broken,
    "approval.glass_refused": _glass_refused,
    "followup.opened": _follow_up_opened,
    "followup.closed": _follow_up_closed,
    "approval.approved": _decided("approved", Tone.OK),
    "approval.denied": _decided("denied", Tone.REFUSED),
    "approval.expired": _decided("expired undecided or unused", Tone.WARN),
    "approval.withdrawn": _decided("withdrawn", Tone.WARN),
    "approval.revoked": _decided("revoked", Tone.WARN),
    "approval.invalidated": _decided("invalidated", Tone.WARN),
    "action.started": _action_started,
    "action.prepared": _prepared,
    "action.succeeded": _action_succeeded,
    "action.failed": _action_failed,
    "action.outcome_unknown": _action_unknown,
    "action.resolved": _resolved,
    "action.proven": _proven,
}
