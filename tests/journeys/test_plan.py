"""Two changes asked for at once, approved with one press in the browser, and done each once.

A notebook, a kernel, a gateway and a real PostgreSQL that counts; the approver has a browser.
"""

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from interlock.runbook import canonical_text
from notebooks import ABOUT, ACTION, VERIFY, cell, notebook, prose
from support.counting import Counters, until
from support.desk import Desk, Said, logged_in
from support.processes import Command, Gateway, gateway_of, settled

pytestmark = [pytest.mark.kernel, pytest.mark.heavy, pytest.mark.postgres]

_OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
_LOOK = """\
from interlock import finding, query
rows = query(params.db, "SELECT id, n FROM counters WHERE id IN (1, 2) ORDER BY id")
finding(rows, bad=True, text="counter {id} stands at {n}.", next="both")
"""
_BOTH = """\
from interlock import execute, finding, params, plan
with plan("Count the first, then the second ten times") as steps:
    steps.execute(
        params.db, "UPDATE counters SET n = n + 1 WHERE id = :id", max_rows=1, id=params.first
    )
    steps.execute(
        params.db, "UPDATE counters SET n = n + 10 WHERE id = :id", max_rows=1, id=params.second
    )
print(execute(
    params.db, "UPDATE counters SET n = n + 1 WHERE id = :id", max_rows=1, reason="as planned",
    id=params.first,
))
finding(rows, warn=True, text="the first is counted.", next="then")
"""
_THEN = """\
from interlock import execute, params
print(execute(
    params.db, "UPDATE counters SET n = n + 10 WHERE id = :id", max_rows=1, reason="as planned",
    id=params.second + params.off,
))
"""
_AFTER = """\
from interlock import finding, query
rows = query(params.db, "SELECT id, n FROM counters WHERE id IN (1, 2, 3) ORDER BY id")
finding(rows, ok="all counted")
"""
_STEP = {**ACTION, "title": "Count both", "effect": "write", "undo": "Count them down again."}
_NUMBER = {"type": "integer", "min": 0, "help": "Which counter."}
_ABOUT = {
    **ABOUT,
    "id": "count-both",
    "domain": "postgres",
    "params": {
        **ABOUT["params"],
        "first": {**_NUMBER, "default": 1},
        "second": {**_NUMBER, "default": 2},
        "off": {**_NUMBER, "default": 0},
    },
}


@pytest.fixture(scope="module")
def gateway(counters: Counters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a runbook that asks for two changes at once."""
    cells = [
        *(prose("about"), cell("look", f"from interlock import params\n{_LOOK}")),
        *(prose("first"), cell("both", _BOTH, _STEP)),
        *(prose("second"), cell("then", _THEN, {**_STEP, "title": "Use the rest"})),
        *(prose("end"), cell("after", f"from interlock import params\n{_AFTER}", VERIFY)),
    ]
    text = canonical_text(notebook(*cells, **_ABOUT))
    folder = tmp_path_factory.mktemp("plan") / "home"
    home = settled(folder, {"orders": counters.logins}, runbooks={"count-both": text})
    with gateway_of(home, Command()) as started:
        yield started
        assert "Traceback" not in started.said()


@pytest.fixture(scope="module")
def responder(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The responder's machine, with the incident INC-1 open."""
    desk = logged_in(tmp_path_factory.mktemp("desks"), gateway, "responder")
    desk.done("incident", "open", "Numbers stand still", "--severity", "sev2")
    return desk


@pytest.fixture(scope="module")
def browser(gateway: Gateway) -> Iterator[httpx.Client]:
    """The approver's browser, logged in."""
    with httpx.Client(base_url=gateway.home.url, headers=_OURS, timeout=30) as opened:
        said = {"code": gateway.code("approver"), "next": "/approvals"}
        assert opened.post("/login", data=said).status_code == 303
        yield opened


def waits(browser: httpx.Client, name: str) -> bool:
    return f"{name}: " in browser.get("/approvals").text.partition("Decided")[0]


def press_approve(browser: httpx.Client, path: str) -> str:
    """Open a page, press approve, and return what could be read there."""
    page = html.unescape(browser.get(path).text)
    fields = re.findall(r'name="([a-z_]+)" value="([^"]*)"', page[page.index("ballots") :])
    answer = browser.post(f"{path}/vote", data={**dict(fields), "vote": "approve"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    return page


def run(responder: Desk, *more: str) -> Said:
    acts = ("--act", "both", "--act", "then", "--confirm", "orders")
    return responder.does("run", "count-both", "-i", "INC-1", *acts, *more)


def test_a_dry_run_shows_both_and_asks_nobody(
    responder: Desk, browser: httpx.Client, counters: Counters
) -> None:
    said = responder.does("run", "count-both", "-i", "INC-1", "--dry-run")
    assert said.code in {0, 3}, said.out + said.err
    assert "UPDATE counters SET n = n + 1 WHERE" in said.out
    assert "UPDATE counters SET n = n + 10 WHERE" in said.out
    assert "nothing was asked for or changed" in said.out
    assert not waits(browser, "P-1")
    assert (counters.n(1), counters.n(2)) == (0, 0)


def test_one_approval_lets_both_run_each_once(
    responder: Desk, browser: httpx.Client, counters: Counters
) -> None:
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, responder)
        until(lambda: waits(browser, "P-1"), "the plan waits", 60)
        assert (counters.n(1), counters.n(2)) == (0, 0)
        page = press_approve(browser, "/approvals/plan/P-1")
        said = running.result()
    assert "UPDATE counters SET n = n + 1 WHERE" in page
    assert "UPDATE counters SET n = n + 10 WHERE" in page
    assert "responder" in page
    assert said.code in {0, 3}, said.out + said.err
    assert "interlock approvals show P-1" in said.out
    assert (counters.n(1), counters.n(2)) == (1, 10), said.out


def test_what_differs_when_its_turn_comes_asks_again(
    responder: Desk, browser: httpx.Client, counters: Counters
) -> None:
    before = counters.n(1)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run, responder, "off=1")
        until(lambda: waits(browser, "P-2"), "the plan waits", 60)
        press_approve(browser, "/approvals/plan/P-2")
        until(lambda: waits(browser, "A-5"), "the other counter is asked for", 60)
        assert (counters.n(1), counters.n(3)) == (before + 1, 0)
        assert "= 3 (integer)" in press_approve(browser, "/approvals/A-5")
        said = running.result()
    assert said.code in {0, 3}, said.out + said.err
    assert (counters.n(1), counters.n(2), counters.n(3)) == (before + 1, 10, 10)


def test_the_timeline_and_the_export_tell_the_plan(responder: Desk, tmp_path: Path) -> None:
    timeline = responder.done("timeline", "INC-1")
    assert "P-1 asks for approval of a plan of 2: A-1, A-2" in timeline
    page = tmp_path / "incident.md"
    page.write_text(responder.done("export", "INC-1", "--as", "md"))
    told = page.read_text()
    for words in ("| Part of | P-1, 1 of 2 |", "| Part of | P-1, 2 of 2 |", "Waited for P-1"):
        assert words in told, words
    assert "A-2 (execute on orders) of P-1 was taken up by then" in told
    assert "| Part of | P-2, 2 of 2 |" in told
    assert "Waited for A-5" in told
