"""An exported page in a real browser, alone with its file: its tools, its check, its manners."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from interlock.export import Entry, Postmortem, build, html, page_digest
from playwright.sync_api import Browser, Page, expect
from sample_incident import INCIDENT, Story, sample
from support.exported import DESKTOP, PHONE, opened, tools, verdict
from support.page_proofs import OTHER_KEY, Block, proof, public, signed

pytestmark = pytest.mark.browser


def told(page: Page) -> list[tuple[str, str]]:
    """Return who did what in every moment that is shown."""
    return [
        (item.locator(".who").inner_text(), item.locator(".what > .data").inner_text())
        for item in page.locator("li.moment:visible").all()
    ]


def stands_at(page: Page, last: int) -> None:
    """Wait until the slider's move has been followed."""
    at = "now: everything" if last == len(sample()) else f"#{last}"
    expect(page.locator("#known-at")).to_have_text(re.compile(f"{at}\\b"))


# --- tools for reading -------------------------------------------------------------------------


@pytest.mark.parametrize("last", [0, 4, 7, 10, 14, 20, 24, 27, 28, 36, 37])
def test_the_slider_tells_what_was_known_as_an_export_as_of_then_does(
    browser: Browser, tmp_path: Path, last: int
) -> None:
    then = build(INCIDENT, sample(), known_at=last)
    with opened(browser, tmp_path, html(build(INCIDENT, sample()))) as seen:
        page = tools(seen.page)
        page.locator("#known").fill(str(last))
        stands_at(page, last)
        assert told(page) == [(m.who, m.what) for m in then.moments]
        cited = set(re.findall(r"\[#(\d+)\]", page.locator("#timeline").inner_text()))
        assert cited == {event for moment in then.moments for event in moment.events}
        assert page.locator("#summary").is_visible() == (last == 37)
        if 0 < last < 37:
            assert f"event #{last} was the last" in page.locator("#then").inner_text()


def test_a_key_moment_is_gone_to_and_back_to_now(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(build(INCIDENT, sample()))) as seen:
        page = tools(seen.page)
        page.locator("#moment").select_option("21")
        assert page.locator("#known-at").inner_text().startswith("#21 (recorded 2026-03-02 23:59")
        assert not page.locator("#approvals").is_visible()
        page.locator("#moment").select_option("")
        assert told(page) == [(m.who, m.what) for m in build(INCIDENT, sample()).moments]
        assert page.locator("#approvals").is_visible()
        assert page.locator("#then").inner_text() == ""


def test_a_page_of_the_past_offers_no_other_past(browser: Browser, tmp_path: Path) -> None:
    past = build(INCIDENT, sample(), known_at=20)
    with opened(browser, tmp_path, html(past)) as seen:
        assert tools(seen.page).locator("#known").count() == 0
        assert "As known" in seen.page.locator(".about").inner_text()


def test_the_filter_shows_what_fits_and_says_how_much(browser: Browser, tmp_path: Path) -> None:
    postmortem = build(INCIDENT, sample())
    with opened(browser, tmp_path, html(postmortem)) as seen:
        page = tools(seen.page)
        page.locator("#kind").select_option("note")
        assert {who for who, _ in told(page)} == {"you"}
        assert page.locator("#counted").inner_text() == "3 of 22 moments are shown."
        page.locator("#find").fill("BLOCKING BACKEND")
        expect(page.locator("#counted")).to_have_text("1 of 22 moments are shown.")
        assert "End the one blocking backend" in told(page)[0][1]
        assert page.locator("#timeline > h3:visible").count() == 1
        page.locator("#find").fill("")
        page.locator("#kind").select_option("")
        page.locator("#person").select_option("colleague")
        page.locator("#run").select_option("R-2")
        page.locator("#person").select_option("you")
        assert {who for who, _ in told(page)} <= {"R-2 (you)", "you"}


@pytest.mark.parametrize("written", ["UTC", "Europe/Berlin"])
def test_times_are_shown_in_the_device_s_zone_beside_utc(
    browser: Browser, tmp_path: Path, written: str
) -> None:
    source = html(build(INCIDENT, sample()), zone=written)
    with opened(browser, tmp_path, source, zone="Asia/Tokyo") as seen:
        page = tools(seen.page)
        page.locator("#zone").select_option("local")
        assert page.locator("li.moment .when").nth(1).inner_text().split("\n")[:2] == [
            "23:58:12", "2026-03-03 08:58:12"
        ]  # fmt: skip
        page.locator("#zone").select_option("")
        assert page.locator("li.moment .when").nth(1).inner_text() == "23:58:12\nT+00:00"
        if written != "UTC":
            page.locator("#zone").select_option(written)
            assert "00:58:12" in page.locator("li.moment .when").nth(1).inner_text()


def test_everything_can_be_used_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, html(build(INCIDENT, sample()))) as seen:
        page = seen.page
        page.locator("#tools summary").focus()
        page.keyboard.press("Enter")
        reached = []
        for _ in range(7):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id"))
        assert reached == ["zone", "kind", "person", "run", "find", "known", "moment"]
        page.locator("#known").focus()
        page.keyboard.press("ArrowLeft")
        stands_at(page, 36)


# --- without a script, on a phone, on paper ----------------------------------------------------


def test_without_a_script_all_is_read_and_no_control_pretends(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "incident.html"
    path.write_text(with_proof(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("li.moment").count() == 22
    for control in ("input", "select", "button", "textarea"):
        assert page.locator(f"{control}:visible").count() == 0
    context.close()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_it_fits_the_screen_with_its_tools_open_and_headings_are_in_order(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    with opened(browser, tmp_path, with_proof(), width=width) as seen:
        page = tools(seen.page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.localName[1]))"
        )
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert page.locator("html").get_attribute("lang") == "en"


def test_every_control_has_a_name_and_every_picture_words(
    browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, tmp_path, with_proof()) as seen:
        nameless = seen.page.evaluate(
            "[...document.querySelectorAll('input,select,textarea,button')]"
            ".filter(e => !(e.labels?.length || e.textContent.trim())).map(e => e.id)"
        )
        assert nameless == []
        twice = seen.page.evaluate(
            "(ids => ids.filter((id, at) => ids.indexOf(id) !== at))"
            "([...document.querySelectorAll('[id]')].map(e => e.id))"
        )
        assert twice == []
        assert seen.page.locator("img:not([alt])").count() == 0


def test_paper_shows_what_is_folded_and_no_tools(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, with_proof()) as seen:
        seen.page.emulate_media(media="print")
        assert not seen.page.locator("#tools").is_visible()
        assert not seen.page.locator("#verify").is_visible()
        assert seen.page.locator(".moment pre.sql").first.bounding_box()
        assert seen.page.pdf(format="A4").startswith(b"%PDF")


# --- the check ---------------------------------------------------------------------------------


def postmortem(entries: list[Entry] | None = None) -> Postmortem:
    return build(INCIDENT, sample() if entries is None else entries)


def stated(entries: list[Entry] | None = None) -> Block:
    """Return a proof that states what the page said."""
    found = sample() if entries is None else entries
    return proof(found, page=page_digest(build(INCIDENT, found)))


def with_proof(change: Callable[[Block], None] | None = None) -> str:
    block = stated()
    if change:
        change(block)
    return html(postmortem(), proof=block)


def checked(browser: Browser, folder: Path, source: str, trusted: str = "") -> str:
    with opened(browser, folder, source) as seen:
        return verdict(seen.page, trusted)


def test_a_page_without_a_proof_says_so_and_offers_no_check(
    browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, tmp_path, html(postmortem())) as seen:
        assert "This page carries no proof" in seen.page.locator("#proof").inner_text()
        assert seen.page.locator("#verify").count() == 0


def test_a_whole_page_is_proven_and_its_own_key_is_not_enough(
    browser: Browser, tmp_path: Path
) -> None:
    said = checked(browser, tmp_path, with_proof())
    assert "differs" not in said
    assert "37 events are in the log as shown, in order, none left out" in said
    assert "? not proven checkpoint: Signed by interlock.test/log" in said
    assert "proves nothing until you compare it with a key from elsewhere" in said
    assert "✔ proven text: Every word shown is what the log states was exported." in said
    assert "Whoever changed this page may have changed this check." in said


def test_a_key_that_the_reader_knows_proves_who_signed(browser: Browser, tmp_path: Path) -> None:
    said = checked(browser, tmp_path, with_proof(), public())
    assert "✔ proven checkpoint" in said
    assert "which you gave" in said
    assert "not proven checkpoint" not in said


def test_another_key_than_the_reader_s_is_refused(browser: Browser, tmp_path: Path) -> None:
    said = checked(browser, tmp_path, with_proof(), public(OTHER_KEY))
    assert "✖ differs checkpoint: None of the keys" in said


def test_an_anchor_s_root_is_compared(browser: Browser, tmp_path: Path) -> None:
    note = stated()["checkpoint"]
    assert "✔ proven anchor: Its root is the one" in checked(browser, tmp_path, with_proof(), note)
    other = signed(len(sample()) + 3, bytes(32))
    assert "✖ differs anchor" in checked(browser, tmp_path, with_proof(), other)
    older = signed(12, bytes(32))
    assert "It is of 12 events, this page of 40" in checked(browser, tmp_path, with_proof(), older)


def test_the_check_is_the_same_after_filter_zone_past_and_folding(
    browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, tmp_path, with_proof(), zone="Asia/Tokyo") as seen:
        page = tools(seen.page)
        page.locator("#known").fill("24")
        stands_at(page, 24)
        page.locator("#zone").select_option("local")
        page.locator("#moment").select_option("")
        page.locator("li.moment summary").first.click()
        page.locator("#approvals summary").first.click()
        page.locator("#kind").select_option("note")
        assert "differs" not in verdict(page)


def without(event: int) -> Callable[[Block], None]:
    def change(block: Block) -> None:
        del block["events"][event - 1]

    return change


def swapped(block: Block) -> None:
    one, other = block["events"][6], block["events"][7]
    one["body"], other["body"] = other["body"], one["body"]


def edited(block: Block) -> None:
    entry = block["events"][15]
    entry["body"] = entry["body"].replace("not-read-only", "was-read-only")


def resigned(block: Block) -> None:
    size, root = block["checkpoint"].split("\n")[1:3]
    forged = signed(int(size), bytes(32)).split("\n")[2]
    block["checkpoint"] = block["checkpoint"].replace(root, forged)


def rooted(block: Block) -> None:
    block["checkpoint"] = signed(len(block["events"]) + 3, bytes(32))


def truncated(block: Block) -> None:
    del block["events"][30:]
    block["length"] = 30


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (edited, "event #16: It is not what the log holds at its place: its text was changed."),
        (without(12), "event #12: It is missing, or not proven."),
        (without(37), "event #37: It is missing, or not proven."),
        (swapped, "event #7: It is not what the log holds at its place"),
        (resigned, "was changed."),
        (rooted, "event #1: It is not what the log holds at its place"),
        (truncated, "length: The log does not say that INC-1 has 30 events."),
    ],
)
def test_a_proof_that_was_changed_names_what_differs(
    browser: Browser, tmp_path: Path, change: Callable[[Block], None], found: str
) -> None:
    said = checked(browser, tmp_path, with_proof(change))
    assert "✖ differs" in said
    assert found in said
    assert "this page is not what was recorded" in said


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("not-read-only (permissions.csv:9)", "allowed", "event 16"),
        ("23:59:57</time>", "23:58:57</time>", "event #26: The page shows another time"),
        ('data-type="query.denied"', 'data-type="query.failed"', "shows another kind"),
        ("2 min 51 s", "1 min 51 s", "header: What is shown"),
        ("approved A-1</li>", "knew of it</li>", "summary: What is shown"),
        ('<h2 id="approvals-title">', '<p>All is well.</p><h2 id="approvals-title">', "page:"),
        ("blocks 5 sessions", "blocks <b>5</b> sessions", "event 13"),
    ],
)
def test_a_changed_word_in_the_page_is_found_and_its_event_named(
    browser: Browser, tmp_path: Path, old: str, new: str, found: str
) -> None:
    source = with_proof()
    shown, data = source.split('<script type="application/json"', 1)
    assert old in shown
    changed = shown.replace(old, new, 1) + '<script type="application/json"' + data
    said = checked(browser, tmp_path, changed)
    assert "✖ differs" in said
    assert found in said


def test_a_page_whose_digests_were_recomputed_is_not_what_the_log_states(
    browser: Browser, tmp_path: Path
) -> None:
    other = sample()
    event = {**other[15].event, "data": {**other[15].event["data"], "code": "allowed"}}
    other[15] = Entry(event, other[15].parts)
    said = checked(browser, tmp_path, html(build(INCIDENT, other), proof=stated()))
    assert "text: The page is not the one that the log states was exported." in said


def test_without_a_statement_of_the_page_its_words_are_not_proven(
    browser: Browser, tmp_path: Path
) -> None:
    said = checked(browser, tmp_path, html(postmortem(), proof=proof(sample())))
    assert "differs" not in said
    assert "? not proven text: The log does not state what this page said" in said


def test_an_event_left_out_of_the_page_or_put_into_it_is_named(
    browser: Browser, tmp_path: Path
) -> None:
    fewer = html(build(INCIDENT, sample()[:35]), proof=stated())
    assert "event #36: It was recorded and the page does not show it." in checked(
        browser, tmp_path, fewer
    )
    more = Story(sample()).tell("note.decision", 200, {})
    said = checked(browser, tmp_path, html(build(INCIDENT, more.entries), proof=stated()))
    assert "event #38: The page shows it and the proof lacks it." in said


def test_another_incident_s_proof_proves_nothing_here(browser: Browser, tmp_path: Path) -> None:
    page = html(build({**INCIDENT, "id": "INC-2"}, sample()), proof=stated())
    said = checked(browser, tmp_path, page)
    assert "event #1: It belongs to INC-1." in said
    assert "The log does not say that INC-2 has 37 events." in said


def test_a_hidden_moment_is_shown_again(browser: Browser, tmp_path: Path) -> None:
    source = with_proof().replace(
        '<li class="moment refused"', '<li hidden class="moment refused"'
    )
    with opened(browser, tmp_path, source) as seen:
        assert len(told(seen.page)) == 22


def test_what_is_no_key_is_said_to_be_none(browser: Browser, tmp_path: Path) -> None:
    assert "is no key" in checked(browser, tmp_path, with_proof(), "hello")


def test_the_embedded_block_is_the_proof_to_the_letter() -> None:
    hostile = Story(sample()).tell(
        "note.observation", 1, {"a</script><!--": "</script>&amp;\u2028"}
    )
    block = stated(hostile.entries)
    page = html(build(INCIDENT, hostile.entries), proof=block)
    [carried] = re.findall(r'<script type="application/json" id="carried">(.*)</script>', page)
    carried = carried.split("</script>")[0]
    assert not re.search("[<>&]", carried)
    assert json.loads(carried) == block
