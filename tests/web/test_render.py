"""The pages say what is needed, show data as data, and offer a vote only where there is one."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from interlock.export import build
from interlock.export.exhibits import grid_of
from interlock.export.text import visible
from interlock_gateway.web.render import (
    CSP,
    HEADERS,
    MAX_PROPOSAL,
    ApprovalsView,
    Argument,
    EvidenceRow,
    GlassView,
    IncidentsView,
    LoginView,
    Outcome,
    Page,
    Problem,
    ProblemView,
    VoteRow,
    render_approval,
    render_approvals,
    render_incident,
    render_incidents,
    render_login,
    render_plan,
    render_problem,
    stylesheet,
)
from sample_incident import INCIDENT
from sample_views import (
    COLLEAGUE,
    PAGE,
    STATEMENT,
    approval,
    approval_row,
    at,
    incident,
    incident_row,
    owed,
    pages,
    plan,
)

PAGES = pages()
_WAITING_PAGES = {
    *("approvals", "approvals-none", "approval-not-mine", "approval-in-a-plan", "plan-under-way"),
    *("approval-broken", "approval-glass-stale"),
}
_OURS = (
    r"/(login|logout|approvals/(A-1/(vote|break|revoke)|plan/P-1/vote)"
    r"|incidents/INC-1/(followups/F-1/close|views/postmortem|write/[a-z-]+))"
)
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    '<form action="https://evil.example"><button name=vote value=approve>'
    "{{ 7*7 }}{% raw %}</pre></textarea></title>\x1b[2J\x00\u202eevil\u200b"
)


class Document(HTMLParser):
    """Reads a page as elements and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def buttons(source: str) -> list[str]:
    return re.findall(r'<button class="(approve|deny)"', source)


# --- every page --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_no_script_no_inline_style_and_no_handler(name: str) -> None:
    page = Document(PAGES[name])
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "style", "iframe", "object", "embed", "base", "svg"})
    keys = {key for _, attributes in page.elements for key in attributes}
    assert not [key for key in keys if key == "style" or key.startswith("on")]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_can_be_used_by_keyboard_and_screen_reader(name: str) -> None:
    page = Document(PAGES[name])
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("h1")) == 1
    assert page.named("a")[0]["href"] == "#main"
    labels = {label.get("for") for label in page.named("label")}
    asked = [f for f in page.named("input", "textarea") if f.get("type") != "hidden"]
    assert all(field.get("id") in labels or field.get("type") == "checkbox" for field in asked)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_with_something_to_fill_in_never_loads_itself_again(name: str) -> None:
    page = Document(PAGES[name])
    refreshes = [meta for meta in page.named("meta") if meta.get("http-equiv") == "refresh"]
    assert not (refreshes and page.named("textarea"))
    assert bool(refreshes) is (name in _WAITING_PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_forms_change_things_by_post_to_us_alone_and_carry_their_token(name: str) -> None:
    for form in Document(PAGES[name]).named("form"):
        assert form["method"] == "post"
        assert re.fullmatch(_OURS, form["action"])
    posts = PAGES[name].count('method="post"')
    tokens = PAGES[name].count(f'name="csrf" value="{COLLEAGUE.csrf}"')
    assert tokens == posts or name.startswith("login")


def test_templates_never_switch_escaping_off() -> None:
    folder = files("interlock_gateway.web").joinpath("templates")
    for template in folder.iterdir():
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(safe|e|escape|forceescape|tojson|xmlattr)\b", source)
        assert "autoescape" not in source


def test_the_policy_forbids_scripts_frames_and_everything_from_elsewhere() -> None:
    assert HEADERS["Content-Security-Policy"] == CSP
    assert CSP.startswith("default-src 'none'; style-src 'self'; ")
    for rule in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in CSP


# --- the approval ------------------------------------------------------------------------------


def test_an_approver_sees_all_that_the_vote_is_about() -> None:
    view = approval(
        statement=STATEMENT,
        arguments=(Argument("last", "integer", 4711),),
        max_rows=12,
        votes=(VoteRow("approver", "approve", at(80), "looks right"),),
    )
    text = squeezed(Document(render_approval(view)).text)
    for wanted in (
        squeezed(STATEMENT), "4711 integer", "12 rows; if it touches more, it is rolled back",
        "orders production postgres", "admin", "you, R-1, step terminate-root", view.reason,
        "28073", "idle in transaction", view.undo, "one-other: 1 of: dba, commander",
        "by permissions.csv:17", "approver, colleague; never the requester (you)",
        "approver: approve", "looks right", "2026-03-03 00:14:16 UTC", "in 14 min 34 s",
        view.proposal_digest, view.prompt_digest,
    ):  # fmt: skip
        assert wanted in text


def test_both_ballots_name_what_was_proposed_and_what_was_shown() -> None:
    page = Document(render_approval(approval()))
    hidden = [(f["name"], f["value"]) for f in page.named("input") if f.get("type") == "hidden"]
    for vote in ("approve", "deny"):
        assert ("vote", vote) in hidden
    for name, value in (("proposal_digest", "4" * 64), ("prompt_digest", "5" * 64)):
        assert hidden.count((name, f"sha256:{value}")) == 2


def test_approving_takes_a_tick_and_denying_takes_a_reason() -> None:
    page = Document(render_approval(approval()))
    [tick] = [f for f in page.named("input") if f.get("type") == "checkbox"]
    assert "required" in tick
    reasons = {f["id"]: "required" in f for f in page.named("textarea")}
    assert reasons == {"approve-reason": False, "deny-reason": True}


def test_enter_in_a_ballot_cannot_send_it() -> None:
    # Implicit submission needs a one-line field; a ballot has only text areas and a tick.
    ballots = render_approval(approval()).split('class="stack ballot"')[1:]
    assert all('type="text"' not in ballot for ballot in ballots)


def test_who_may_not_vote_sees_why_and_no_button() -> None:
    why = "You asked for this yourself; somebody else must approve it."
    source = render_approval(approval(may_vote=False, why_not=why))
    assert buttons(source) == []
    assert why in source


@pytest.mark.parametrize(
    "state",
    [
        "approved", "denied", "expired", "withdrawn", "revoked", "invalidated", "executing",
        "succeeded", "failed", "outcome_unknown", "resolved", "something-new",
    ],
)  # fmt: skip
def test_what_is_decided_offers_no_vote(state: str) -> None:
    source = render_approval(approval(state=state, may_vote=True, outcome=Outcome()))
    assert buttons(source) == []


def test_a_statement_too_long_to_show_has_no_vote_but_a_way_to_read_it() -> None:
    source = render_approval(approval(statement="x" * (MAX_PROPOSAL + 1)))
    assert buttons(source) == []
    assert "interlock approvals show A-1" in source


def test_a_statement_that_fits_is_never_cut() -> None:
    long = "SELECT 1 -- " + "x" * 90_000
    source = render_approval(approval(statement=long))
    assert long in source
    assert buttons(source) == ["approve", "deny"]


def test_characters_that_mislead_are_shown_and_named() -> None:
    source = render_approval(approval(statement="DELETE FROM \u0430pples \u202e-- x"))
    assert "⟦U+202E⟧" in source
    assert "U+0430 CYRILLIC SMALL LETTER A" in source
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in source


def test_a_plan_shows_every_member_as_its_own_page_does() -> None:
    view = plan()
    text = squeezed(Document(render_plan(view)).text)
    for wanted in (
        "P-1: a plan of 2 actions", view.reason, "1 of 2: pg.terminate_backend on orders",
        "2 of 2: execute on jobs", squeezed(STATEMENT), "4711 integer", "28073",
        "12 rows; if it touches more, it is rolled back", "One vote counts for every action",
        "a denial denies all", "counted from the deciding vote: 5 min",
        "Previews show the state before any of these ran", "one-other: 1 of: dba, commander",
        view.plan_digest, view.prompt_digest,
    ):  # fmt: skip
        assert wanted in text


def test_the_ballots_of_a_plan_name_the_plan() -> None:
    page = Document(render_plan(plan()))
    hidden = [(f["name"], f["value"]) for f in page.named("input") if f.get("type") == "hidden"]
    for name, value in (("proposal_digest", "6" * 64), ("prompt_digest", "7" * 64)):
        assert hidden.count((name, f"sha256:{value}")) == 2


@pytest.mark.parametrize("changes", [{"may_vote": False}, {"state": "denied"}, {"state": "mixed"}])
def test_a_plan_that_cannot_be_voted_on_has_no_button(changes: dict[str, Any]) -> None:
    assert buttons(render_plan(plan(**changes))) == []


def test_a_plan_of_which_one_is_too_long_to_show_has_no_vote() -> None:
    long = approval(statement="SELECT " + "x" * MAX_PROPOSAL)
    source = render_plan(plan(members=(approval(), long)))
    assert buttons(source) == []
    assert "interlock approvals show" in source


def test_a_missing_preview_is_said() -> None:
    source = render_approval(approval(preview=(), no_preview="the target did not answer"))
    assert "No preview: the target did not answer." in source


def test_an_unknown_outcome_is_not_called_a_failure() -> None:
    text = squeezed(Document(PAGES["approval-unknown"]).text)
    assert "Outcome unknown" in text
    assert "It may or may not have happened." in text
    assert "The connection was lost." in text


# --- the other pages ---------------------------------------------------------------------------


def test_an_empty_list_says_how_to_declare_an_incident() -> None:
    assert "interlock incident open" in PAGES["incidents-none"]


def test_the_login_page_says_that_local_people_are_not_for_production() -> None:
    assert "not for production" in PAGES["login"]
    plain = render_login(LoginView(Page(now=at(0)), local_people=False))
    assert "not for production" not in plain


def test_the_incident_page_cites_every_event_and_offers_each_form() -> None:
    source = render_incident(incident())
    cited = {int(found) for found in re.findall(r"\[#(\d+)\]", source)}
    assert cited == set(range(1, 38))
    for form in ("md", "html", "json"):
        assert f"/incidents/INC-1/export?as={form}" in source


def test_an_error_page_says_what_which_line_and_what_next() -> None:
    text = squeezed(Document(PAGES["problem"]).text)
    assert "Somebody else must approve what you asked for." in text
    assert "self-approval decided by approvals.toml:4" in text
    assert "→ Ask one of: approver, colleague." in text


# --- hostile content ---------------------------------------------------------------------------


def hostile_pages() -> list[str]:
    odd: Any = HOSTILE
    preview = grid_of(HOSTILE, {"columns": [HOSTILE], "rows": [[HOSTILE]]})
    assert preview
    view = approval(
        incident_title=odd, step=odd, requester=odd, reason=odd, target=odd, tier=odd,
        dialect=odd, operation=odd, effect=odd, statement=odd, preview=(preview,), undo=odd,
        rule=odd, needs=odd, line=odd, eligible=(odd,), prompt_text=odd, proposal_digest=odd,
        arguments=(Argument(odd, odd, odd),), votes=(VoteRow(odd, odd, at(1), odd),),
        outcome=Outcome(message=odd, code=odd), problem=Problem(odd, odd, odd, odd), run=odd,
    )  # fmt: skip
    row = incident_row(title=odd, severity=odd, state=odd, commander=odd)
    waits = approval_row(operation=odd, target=odd, tier=odd, effect=odd, requester=odd, state=odd)
    shown = incident()
    record = build({**INCIDENT, "title": odd, "roles": {odd: odd}}, [])
    fields = {name: getattr(shown, name) for name in ("page", "runs")}
    whole = type(shown)(
        incident=row, roles={odd: odd}, approvals=(waits,), record=record, held=odd,
        evidence=(
            EvidenceRow(odd, odd, odd, odd, 1), EvidenceRow(odd, odd, odd, odd, 1, gone=odd),
        ), **fields
    )  # fmt: skip
    return [
        render_approval(view),
        render_plan(
            plan(
                members=(view,),
                reason=odd,
                requester=odd,
                step=odd,
                run=odd,
                eligible=(odd,),
                votes=(VoteRow(odd, odd, at(1), odd),),
                prompt_text=odd,
                clocks=odd,
                why_not=odd,
                incident_title=odd,
                severity=odd,
                problem=Problem(odd, odd, odd, odd),
            )
        ),
        render_incidents(IncidentsView(view.page, (row,))),
        render_incident(whole),
        render_problem(ProblemView(view.page, 403, Problem(odd, odd, odd, odd))),
        render_login(LoginView(Page(now=at(0)), next=odd, problem=Problem(odd))),
    ]


@pytest.mark.parametrize("source", hostile_pages())
def test_hostile_text_stays_text_on_every_page(source: str) -> None:
    page = Document(source)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "img", "svg", "iframe"})
    assert all(form["action"].startswith("/") for form in page.named("form"))
    assert all(re.match(r"[/#]", link["href"]) for link in page.named("a"))
    assert "<script>alert(1)</script>" in page.text
    assert "49" not in page.text.split("Shown as of")[0].replace("2026", "")
    assert visible(source) == source


# --- the style sheet ---------------------------------------------------------------------------


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_text_has_contrast_aa(scheme: int) -> None:
    blocks = re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[scheme]))
    grounds = [colours.pop("paper"), colours.pop("raised")]
    colours.pop("line")  # a rule between things, not text
    low = {n: c for n, c in colours.items() for g in grounds if contrast(c, g) < 4.5}
    assert low == {}


def test_the_style_sheet_loads_nothing() -> None:
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()


# --- fresh logins and broken glass -------------------------------------------------------------


def test_a_stale_login_sees_no_approve_form_but_the_way_to_one_and_may_deny() -> None:
    source = PAGES["approval-stale"]
    assert buttons(source) == ["deny"]
    links = [link["href"] for link in Document(source).named("a")]
    assert "/login?again=1&next=/approvals/A-1" in links


def test_the_glass_is_offered_with_what_it_means_and_never_beside_a_cut_text() -> None:
    source = PAGES["approval-glass"]
    text = squeezed(Document(source).text)
    for words in ("For an emergency", "approver, colleague", "You asked for this yourself"):
        assert words in text
    assert 'action="/approvals/A-1/break"' in source
    long = approval(statement="x" * (MAX_PROPOSAL + 1), glass=GlassView(("sre",), may=True))
    assert "/break" not in render_approval(long)


@pytest.mark.parametrize("state", ["approved", "denied", "expired", "succeeded"])
def test_what_is_decided_has_no_glass(state: str) -> None:
    view = approval(state=state, may_vote=False, glass=GlassView(("sre",), may=True))
    assert "/break" not in render_approval(view)


def test_a_stale_login_sees_no_form_to_break_the_glass() -> None:
    assert "/break" not in PAGES["approval-glass-stale"]
    assert "/login?again=1&amp;next=/approvals/A-1" in PAGES["approval-glass-stale"]


def test_a_page_that_shows_what_went_wrong_does_not_load_itself_again() -> None:
    refused = Problem("This takes a login of the last 5 minutes.", "login-not-fresh")
    page = render_approval(approval(may_vote=False, problem=refused))
    assert "http-equiv" not in page


def test_broken_glass_is_seen_first_with_who_and_why_as_data() -> None:
    text = squeezed(Document(PAGES["approval-broken"]).text)
    assert "The glass was broken by you , who asked for it too" in text.replace("you,", "you ,")
    assert "Nobody of the dbas answers" in text
    hostile = GlassView(("sre",), broken_by=HOSTILE, reason=HOSTILE)
    assert "<script" not in render_approval(approval(state="approved", glass=hostile))
    marked = render_approvals(ApprovalsView(PAGE, (), (approval_row(broken_by="you"),)))
    assert "glass broken by you" in marked


def test_follow_ups_can_be_closed_by_whoever_may_and_say_why_not_to_others() -> None:
    source = PAGES["incident"]
    assert source.count("/followups/") == 1
    text = squeezed(Document(source).text)
    for words in (
        "F-2 is about what you did yourself",
        "Closed by approver",
        "Right; pagers mended",
    ):
        assert words in text
    hostile = render_incident(
        replace(incident(), follow_ups=(owed(text=HOSTILE, answer=HOSTILE),))
    )
    assert "<script" not in hostile
