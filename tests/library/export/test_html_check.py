"""A page is checked from its text alone: what was changed in it is found and named."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interlock.export import Entry, build, html, page_digest
from interlock.export.html_check import page_digests, page_findings
from interlock.proof import read_key
from sample_incident import INCIDENT, sample
from support.hostile import CASES, incident, planted
from support.page_proofs import OTHER_KEY, proof, public

TRUSTED = [read_key(public())]


def exported(entries: list[Entry] | None = None, *, zone: str = "UTC") -> str:
    found = sample() if entries is None else entries
    postmortem = build(INCIDENT, found)
    block = proof(found, page=page_digest(postmortem, zone=zone))
    return html(postmortem, zone=zone, proof=block)


PAGE = exported()
SHOWN = PAGE.index("<body"), PAGE.index('<script type="application/json"')


def differing(page: str, name: str = "INC-1") -> list[str]:
    findings = page_findings(page, name, TRUSTED)
    return [f"{one.about}: {one.text}" for one in findings if not one.holds]


def changed(old: str, new: str) -> str:
    assert old in PAGE
    return PAGE.replace(old, new, 1)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_page_as_it_was_exported_holds(zone: str) -> None:
    assert differing(exported(zone=zone)) == []
    assert {one.about for one in page_findings(PAGE, "INC-1", TRUSTED)} == {
        "checkpoint", "length", "anchors", "text"
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hostile_content_is_no_change(case: str) -> None:
    entries = planted(CASES[case])
    postmortem = build(incident(CASES[case]), entries)
    block = proof(entries, page=page_digest(postmortem))
    assert differing(html(postmortem, proof=block)) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("not-read-only (permissions.csv:9)", "allowed", "event 16: What is shown"),
        ("2 min 51 s", "1 min 51 s", "header: What is shown"),
        ("blocks 5 sessions", "blocks <b>5</b> sessions", "event 13: What is shown"),
        ('<h2 id="runs-title">Runs</h2>', '<h2 id="runs-title">Ran</h2>', "page: What is shown"),
        ("color-scheme: light dark;", "display: none;", "page: What is shown"),
        ("const whole = data.events.length;", "alert(1);", "page: What is shown"),
        ('no end recorded yet","waiting"', 'ended","ok"', "page: What is shown"),
        ("prove nothing by themselves", "prove everything", "section “Proof”"),
        ("<main>", "<main><!-- -->", "not written as Interlock writes pages"),
        ("</main>", "", "An element has no end"),
        ("<main>", "<main><p>", "not written as Interlock writes pages"),
        ("<main>", "<main onclick=x>", "not written as Interlock writes pages"),
        ("<main>", '<main data-x="a" data-unit="b">', "A part stands in a part"),
        ("</html>", "</html><p>more</p>", "not written as Interlock writes pages"),
        ("<body>", '<body class="then">', "not written as Interlock writes pages"),
    ],
)
def test_a_changed_page_is_found_and_the_change_is_named(old: str, new: str, found: str) -> None:
    assert any(found in one for one in differing(changed(old, new)))


def test_a_body_or_digests_that_were_changed_too_do_not_help() -> None:
    entries = sample()
    event = {**entries[15].event, "data": {**entries[15].event["data"], "code": "allowed"}}
    entries[15] = Entry(event, entries[15].parts)
    forged = html(
        build(INCIDENT, entries),
        proof=proof(sample(), page=page_digest(build(INCIDENT, sample()))),
    )
    assert differing(forged) == ["text: The page is not the one that the log states was exported."]


def test_a_log_of_somebody_else_s_key_does_not_hold() -> None:
    postmortem = build(INCIDENT, sample())
    block = proof(sample(), page=page_digest(postmortem), key=OTHER_KEY)
    assert differing(html(postmortem, proof=block))[0].startswith("checkpoint: None of the keys")


def test_without_a_statement_of_the_page_its_words_are_not_proven() -> None:
    page = html(build(INCIDENT, sample()), proof=proof(sample()))
    assert differing(page) == [
        "text: The log does not state what this page said, so its words are not proven."
    ]


def test_a_statement_that_is_not_in_the_log_states_nothing() -> None:
    block = proof(sample())
    entry = block["also"][0]
    digest = page_digest(build(INCIDENT, sample()))
    entry["body"] = entry["body"].replace('"length"', f'"page": "{digest}", "length"')
    found = differing(html(build(INCIDENT, sample()), proof=block))
    assert any("text: The log does not state" in one for one in found)


@pytest.mark.parametrize(
    "page", ["", "<html></html>", html(build(INCIDENT, sample())), PAGE.replace("carried", "data")]
)
def test_a_page_without_one_proof_carries_none(page: str) -> None:
    assert differing(page)[0].startswith("page: It carries no proof that can be read")


def test_the_parts_are_named_by_what_they_are() -> None:
    names = [name for name, _ in page_digests(PAGE)]
    assert names[:4] == ["page", "header", "about this record", "summary"]
    assert names[-4:] == ["approval A-1", "run R-1", "run R-2", "follow-ups"]


edits: st.SearchStrategy[Callable[[str, int], str]] = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=5).map(
        lambda new: lambda page, at: page[:at] + new + page[at:]
    ),
    st.just(lambda page, at: page[:at] + page[at + 1 :]),
    st.sampled_from(["<b>", "</p>", "<!--", "&nbsp;", " hidden", "<script>", "\x00"]).map(
        lambda new: lambda page, at: page[:at] + new + page[at:]
    ),
)


@settings(max_examples=200, deadline=None)
@given(edits, st.integers(*SHOWN))
def test_no_edit_of_what_is_shown_goes_unseen(edit: Callable[[str, int], str], at: int) -> None:
    page = edit(PAGE, at)
    if page != PAGE:
        assert differing(page)
