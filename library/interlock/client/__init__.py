"""The public HTTP client of a gateway: one function per use case, one method that sends.

    from interlock import client

    with client.Client("http://127.0.0.1:8321", token) as gateway:
        incident = gateway.send(client.declare_incident("Checkout is slow", "sev2"))

A function such as `declare_incident` only describes the request, as a `Call`; `Client` (or
`AsyncClient`) sends it. So a use case is written once for both, and tests need one seam: httpx's
own `transport`.

Every failure is one of `interlock.errors`: what the gateway refused keeps its code, line and
help; what never reached it is `Unavailable`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from interlock.client import entries
from interlock.client.call import Call, NewRun, Place
from interlock.client.entries import add_note

if TYPE_CHECKING:
    from interlock.client.sending import AsyncClient, Client

__all__ = ["AsyncClient", "Call", "Client", "NewRun", "Place", "add_note", "entries"]


def __getattr__(name: str) -> Any:
    """Load what sends when it is asked for: httpx takes 0.1 s, and `--help` sends nothing."""
    if name not in {"AsyncClient", "Client"}:
        raise AttributeError(f"interlock.client has no {name}")
    from interlock.client import sending  # noqa: PLC0415  see above

    return getattr(sending, name)


# --- who is asking ----------------------------------------------------------------------------


def login(code: str) -> Call:
    """Trade a one-time code for a credential of one's own."""
    return _post("/v1/login", {"code": code})


def whoami() -> Call:
    """Ask who the credential says one is."""
    return _get("/v1/whoami")


def health() -> Call:
    """Ask whether the gateway is up; open, and answered as text."""
    return _get("/healthz", patience_s=5.0)


# --- incidents --------------------------------------------------------------------------------


def declare_incident(title: str, severity: str, key: str = "") -> Call:
    """Declare an incident; the same `key` declares it once."""
    body = {"title": title, "severity": severity} | ({"key": key} if key else {})
    return _post("/v1/incidents", body, idempotent=bool(key))


def incidents() -> Call:
    """List incidents."""
    return _get("/v1/incidents")


def incident(incident_id: str) -> Call:
    """Look at one incident with its runs and approvals."""
    return _get(_path("incidents", incident_id))


def set_severity(incident_id: str, severity: str, reason: str) -> Call:
    """Change how severe an incident is, and say why."""
    body = {"severity": severity, "reason": reason}
    return _post(_path("incidents", incident_id, "severity"), body)


def assign_role(incident_id: str, person: str, role: str) -> Call:
    """Give a person a role on an incident."""
    return _post(_path("incidents", incident_id, "roles"), {"person": person, "role": role})


def take_incident(incident_id: str) -> Call:
    """Become the incident's commander."""
    return _post(_path("incidents", incident_id, "take"))


def hand_over(incident_id: str, to: str, summary: str) -> Call:
    """Hand command to another person with a summary of where things stand."""
    return _post(_path("incidents", incident_id, "hand-over"), {"to": to, "summary": summary})


def close_incident(incident_id: str, reason: str) -> Call:
    """Close an incident: its runs end, its approvals are withdrawn."""
    return _post(_path("incidents", incident_id, "close"), {"reason": reason})


def reopen_incident(incident_id: str, reason: str) -> Call:
    """Reopen a closed incident."""
    return _post(_path("incidents", incident_id, "reopen"), {"reason": reason})


def seal_incident(incident_id: str) -> Call:
    """Seal a closed incident: nothing can be added any more."""
    return _post(_path("incidents", incident_id, "seal"))


def timeline(incident_id: str, after: int = 0, limit: int = 500) -> Call:
    """Read up to `limit` entries of the timeline after sequence number `after`."""
    return _get(_path("incidents", incident_id, "timeline"), after=after, limit=limit)


def follow_timeline(incident_id: str, after: int = 0) -> Call:
    """Follow the timeline as it grows: send it with `stream`."""
    path = _path("incidents", incident_id, "timeline", "stream")
    return _get(path, patience_s=60.0, after=after)


def export(incident_id: str, form: str, **options: Any) -> Call:
    """Ask for the timeline as a document in one of the forms of export: send it with `text`.

    Args:
        incident_id: the incident.
        form: `md`, `html`, `ipynb`, `json`, `jsonl` or `csv`.
        options: `template`, `profile`, `zone`, `run`, `section` (a list), `marked` and so on.
    """
    path = _path("incidents", incident_id, "export")
    return _get(path, patience_s=120.0, **{"as": form}, **options)


# --- evidence ---------------------------------------------------------------------------------


def evidence(incident_id: str) -> Call:
    """List what an incident's events point at, without any content."""
    return _get(_path("incidents", incident_id, "evidence"))


def open_evidence(evidence_id: str) -> Call:
    """Open one piece of evidence in full, which is an event: send it with `content`."""
    return _get(_path("evidence", evidence_id), patience_s=120.0)


def redact_evidence(evidence_id: str, reason: str) -> Call:
    """Destroy a piece of evidence and every copy of it, for a reason."""
    return _post(_path("evidence", evidence_id, "redact"), {"reason": reason})


def hold_evidence(incident_id: str, reason: str) -> Call:
    """Keep an incident's evidence until it is released."""
    return _post(_path("incidents", incident_id, "evidence", "hold"), {"reason": reason})


def release_evidence(incident_id: str, reason: str) -> Call:
    """Let an incident's evidence expire in its time again."""
    return _post(_path("incidents", incident_id, "evidence", "release"), {"reason": reason})


def bundle(incident_id: str) -> Call:
    """Ask for the incident's evidence bundle, a zip file: send it with `content`."""
    return _get(_path("incidents", incident_id, "bundle"), patience_s=120.0)


def anchored(incident_id: str) -> Call:
    """Ask up to which event the incident's record is anchored outside the store."""
    return _get(_path("incidents", incident_id, "anchored"))


# --- the log ----------------------------------------------------------------------------------


def log_status() -> Call:
    """Ask where the log over all events stands: its checkpoint, its keys, its anchors."""
    return _get("/v1/log")


def log_entries(first: int, limit: int = 1_000) -> Call:
    """Read up to `limit` events of all incidents from log index `first` on."""
    return _get("/v1/log/entries", patience_s=60.0, first=first, limit=limit)


def rotate_log_key(reason: str) -> Call:
    """Have the log signed by a new key from now on."""
    return _post("/v1/log/key", {"reason": reason})


# --- the catalogue ----------------------------------------------------------------------------


def runbooks(find: str = "") -> Call:
    """List curated runbooks, best match first when there are words to find."""
    return _get("/v1/runbooks", find=find or None)


def runbook(runbook_id: str) -> Call:
    """Fetch one curated runbook with its notebook's text and digest."""
    return _get(_path("runbooks", runbook_id))


def targets() -> Call:
    """List the targets that the gateway knows."""
    return _get("/v1/targets")


def actions() -> Call:
    """List catalogued actions."""
    return _get("/v1/actions")


def action(action_id: str) -> Call:
    """Look at one catalogued action."""
    return _get(_path("actions", action_id))


def recorded_requests(within_s: int, after: int = 0) -> Call:
    """Read a page of what was asked and how it was decided, `after` a place in the journal."""
    return _get("/v1/requests", within_s=within_s, after=after)


def explain_sql(target: str, sql: str) -> Call:
    """Ask what a statement would do at a target; nothing of it runs."""
    return _post("/v1/sql/explain", {"target": target, "sql": sql})


# --- runs -------------------------------------------------------------------------------------


def start_run(new: NewRun) -> Call:
    """Start a run; the answer holds its token."""
    return _post("/v1/runs", new.as_json(), idempotent=bool(new.key))


def run(run_id: str) -> Call:
    """Look at one run and its steps."""
    return _get(_path("runs", run_id))


def renew_token(run_id: str) -> Call:
    """Ask for a fresh token of one's own run."""
    return _post(_path("runs", run_id, "token"), idempotent=True)


def end_run(run_id: str, outcome: str, summary: str) -> Call:
    """Record how a run ended."""
    body = {"outcome": outcome, "summary": summary}
    return _post(_path("runs", run_id, "end"), body, idempotent=True)


def start_step(run_id: str, step: str, source: Mapping[str, str]) -> Call:
    """Record that a step starts; `source` is {source_digest, source, kind, title}."""
    return _post(_path("runs", run_id, "steps", step, "start"), source)


def end_step(run_id: str, step: str, attempt: int, record: Mapping[str, Any]) -> Call:
    """Record how a step ended: {state, elapsed_ms, finding?, error?, outputs, …}."""
    path = _path("runs", run_id, "steps", step, str(attempt), "end")
    return _post(path, record, idempotent=True)


def add_run_note(
    run_id: str, step: str, attempt: int, text: str, kind: str, about: str = ""
) -> Call:
    """Write a note from within a step; `about` is the event of an answer that it got."""
    body = {"step": step, "attempt": attempt, "text": text, "kind": kind}
    return _post(_path("runs", run_id, "notes"), body | ({"about": about} if about else {}))


# --- what a running step asks -----------------------------------------------------------------


def ask_query(
    place: Place, target: str, sql: str, params: Mapping[str, Any], max_rows: int | None = None
) -> Call:
    """Ask a guarded query; `params` are wire-typed. Asked again at its place, it is replayed."""
    body = {"target": target, "sql": sql, "params": dict(params)}
    limit = {} if max_rows is None else {"max_rows": max_rows}
    return _asked("/v1/queries", place, body | limit)


def ask_metrics(
    place: Place, target: str, promql: str, params: Mapping[str, Any], span: Mapping[str, Any]
) -> Call:
    """Ask a guarded question about metrics; all values, `start`, `end`, `step` are wire-typed."""
    body = {"target": target, "promql": promql, "params": dict(params), "span": dict(span)}
    return _asked("/v1/metric-queries", place, body)


def ask_logs(
    place: Place,
    target: str,
    logql: str,
    params: Mapping[str, Any],
    choices: Mapping[str, Any],
) -> Call:
    """Ask a guarded question about logs.

    `choices` are `span`, whose `start`, `end` and `step` are wire-typed, `limit` and `direction`.
    """
    body = {"target": target, "logql": logql, "params": dict(params), **choices}
    return _asked("/v1/log-queries", place, body)


def request_action(
    place: Place, action_id: str, target: str, args: Mapping[str, Any], reason: str
) -> Call:
    """Request a catalogued action; it runs only once approved."""
    body = {"action": action_id, "target": target, "args": dict(args), "reason": reason}
    return _asked("/v1/actions", place, body)


def request_execution(place: Place, target: str, statement: Mapping[str, Any]) -> Call:
    """Request a mutating statement, {sql, params, max_rows, reason}; runs only once approved."""
    return _asked("/v1/executions", place, {"target": target, **statement})


def request_plan(place: Place, reason: str, members: Sequence[Mapping[str, Any]]) -> Call:
    """Request several actions at once, each as its own request has it; all of them or none."""
    return _asked("/v1/plans", place, {"reason": reason, "members": [dict(m) for m in members]})


# --- approvals --------------------------------------------------------------------------------


def approvals(state: str = "", incident_id: str = "") -> Call:
    """List approval requests, of one state or one incident if given."""
    return _get("/v1/approvals", state=state or None, incident=incident_id or None)


def approval(approval_id: str, wait_s: float = 0, version: int = 0, *, channel: str = "") -> Call:
    """Look at an approval request; with `wait_s`, wait that long for a version after `version`.

    `channel` is `cli` where the prompt is shown in a terminal; a vote names what was shown there.
    """
    wait = {"wait": wait_s, "version": version} if wait_s else {}
    where = {"channel": channel} if channel else {}
    return _get(_path("approvals", approval_id), patience_s=30.0 + wait_s, **wait, **where)


def vote(
    approval_id: str, choice: str, proposal_digest: str, prompt_digest: str, reason: str = ""
) -> Call:
    """Vote `approve` or `deny` on exactly what was proposed and shown."""
    seen = {"proposal_digest": proposal_digest, "prompt_digest": prompt_digest}
    body = {"vote": choice, **seen, "reason": reason}
    return _post(_path("approvals", approval_id, "votes"), body)


def revoke(approval_id: str, reason: str) -> Call:
    """Take a yes back that was not used yet."""
    return _post(_path("approvals", approval_id, "revoke"), {"reason": reason})


def withdraw(approval_id: str, reason: str = "") -> Call:
    """Withdraw an approval request; nothing will run."""
    return _post(_path("approvals", approval_id, "withdraw"), {"reason": reason})


def plan(plan_id: str, wait_s: float = 0, version: int = 0, *, channel: str = "") -> Call:
    """Look at a plan, as `approval` does at one request."""
    wait = {"wait": wait_s, "version": version} if wait_s else {}
    where = {"channel": channel} if channel else {}
    return _get(_path("plans", plan_id), patience_s=30.0 + wait_s, **wait, **where)


def vote_on_plan(
    plan_id: str, choice: str, plan_digest: str, prompt_digest: str, reason: str = ""
) -> Call:
    """Vote `approve` or `deny` on every action of a plan, exactly as it was asked and shown."""
    seen = {"plan_digest": plan_digest, "prompt_digest": prompt_digest}
    return _post(_path("plans", plan_id, "votes"), {"vote": choice, **seen, "reason": reason})


def withdraw_plan(plan_id: str, reason: str = "") -> Call:
    """Withdraw what of a plan waits or is granted."""
    return _post(_path("plans", plan_id, "withdraw"), {"reason": reason})


def execute(approval_id: str) -> Call:
    """Run what was approved, by its id alone. The gateway runs it once, however often asked."""
    path = _path("approvals", approval_id, "execute")
    return Call("POST", path, {}, patience_s=120.0, idempotent=True)


def resolve(approval_id: str, outcome: str, reason: str) -> Call:
    """Say what a person found out about an unknown outcome: `succeeded` or `failed`."""
    body = {"outcome": outcome, "reason": reason}
    return _post(_path("approvals", approval_id, "resolve"), body)


# --- practising, and accounts in Slack --------------------------------------------------------


def begin_drill(rule: str = "", commander: str = "", within_s: int = 600) -> Call:
    """Ask the approvers of each rule, or of one, to show that they can; nothing runs."""
    body = {"rule": rule, "commander": commander, "within_s": within_s}
    return _post("/v1/drills", body)


def drill(incident_id: str) -> Call:
    """Look at how a drill goes, or went."""
    return _get(_path("drills", incident_id))


def end_drill(incident_id: str) -> Call:
    """End a drill before its time."""
    return _post(_path("drills", incident_id, "end"))


def links() -> Call:
    """List one's own accounts in Slack; everybody's, for whoever runs the gateway."""
    return _get("/v1/links")


def unlink(account: str) -> Call:
    """End the link of an account in Slack."""
    return Call("DELETE", _path("links", account), {}, idempotent=True)


def _path(*parts: str) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _get(path: str, *, patience_s: float = 30.0, **query: Any) -> Call:
    return Call("GET", path, query=query, patience_s=patience_s, idempotent=True)


def _post(path: str, body: Mapping[str, Any] | None = None, *, idempotent: bool = False) -> Call:
    return Call("POST", path, body or {}, idempotent=idempotent)


def _asked(path: str, place: Place, body: Mapping[str, Any]) -> Call:
    """A kernel's call: journaled by its place, so that a lost answer may be asked for again."""
    return Call("POST", path, {**place.as_json(), **body}, patience_s=90.0, idempotent=True)
