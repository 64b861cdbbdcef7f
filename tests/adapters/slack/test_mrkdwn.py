"""What somebody wrote in Slack, as plain text: no character that a person saw is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.adapters.slack.mrkdwn import MOST, cut, mentioned, plain, source

_HANDLES = {"U0ANNA": "anna"}


def _plain(text: str) -> str:
    return plain(text, lambda account: _HANDLES.get(account, ""))


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt; stays", "&lt; stays"),
        ("ask <@U0ANNA> or <@U0BEN>", "ask @anna or @U0BEN"),
        ("<@U0BEN|ben> knows", "@ben knows"),
        ("see <#C01|ops> and <#C02>", "see #ops and #C02"),
        ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S01|@dbas> <!subteam^S02>", "@dbas @S02"),
        ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
        ("<https://x.test/a?b=1&amp;c=2>", "https://x.test/a?b=1&c=2"),
        ("<https://x.test|the graph>", "the graph (https://x.test)"),
        ("<https://evil.test|https://good.test>", "https://good.test (https://evil.test)"),
        ("<http://x.test|x.test>", "http://x.test"),
        ("<mailto:a@x.test|a@x.test>", "a@x.test"),
        ("`<not a link>` and <unclosed", "`<not a link>` and <unclosed"),
        ("<@not-an-id> <!> <|>", "<@not-an-id> <!> <|>"),
        ("*bold* _it_ ~no~ :memo: > quoted", "*bold* _it_ ~no~ :memo: > quoted"),
    ],
)
def test_markup_is_read_as_people_read_it(stored: str, read: str) -> None:
    assert _plain(stored) == read


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(st.text())
def test_what_somebody_typed_comes_back_character_by_character(text: str) -> None:
    assert _plain(_escaped(text)) == text


_WORDS = st.text(
    st.characters(exclude_characters="\n\r|<>", exclude_categories=["Cs"]), min_size=1
)
_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: (_escaped(text), text)),
    st.just(("<@U0ANNA>", "@anna")),
    st.from_regex(r"U[A-Z0-9]{3,9}", fullmatch=True)
    .filter(lambda account: account not in _HANDLES)
    .map(lambda account: (f"<@{account}>", f"@{account}")),
    _WORDS.filter(lambda word: not word.startswith("#")).map(
        lambda word: (f"<#C012|{_escaped(word)}>", f"#{word}")
    ),
    _WORDS.map(lambda word: (f"<https://x.test/1|{_escaped(word)}>", word)),
)


@given(st.lists(_PIECES))
def test_no_label_mention_or_text_between_them_is_lost(pieces: list[tuple[str, str]]) -> None:
    read, at = _plain("".join(stored for stored, _ in pieces)), 0
    for _, seen in pieces:
        at = read.index(seen, at) + len(seen)


@given(st.text())
def test_nothing_makes_it_raise(text: str) -> None:
    _plain(text)
    mentioned(text)


def test_who_is_mentioned_is_found_once_each() -> None:
    assert mentioned("<@U0A1> <@U0B1|b> <@U0A1> @U0C1") == ["U0A1", "U0B1"]


def test_a_program_that_speaks_in_attachments_and_blocks_is_understood() -> None:
    attached = {"text": "", "attachments": [{"title": "LatencyHigh", "text": "p99 &gt; 2 s"},
                                            {"fallback": "or so"}]}  # fmt: skip
    assert source(attached) == "LatencyHigh\np99 &gt; 2 s\nor so"
    literal = {"type": "plain_text", "text": "a < b"}
    block = {"type": "section", "text": literal, "fields": [{"type": "mrkdwn", "text": "*c*"}]}
    assert _plain(source({"text": "", "blocks": [block]})) == "a < b\n*c*"
    assert source({"text": "look", "files": [{"name": "graph.png"}]}) == "look\n[file: graph.png]"


@pytest.mark.parametrize(
    "odd", [{}, {"text": None}, {"attachments": "x", "blocks": 3, "files": [1]}]
)
def test_a_message_of_an_odd_shape_says_nothing(odd: dict[str, object]) -> None:
    assert source(odd) == ""


def test_what_is_longer_than_slack_takes_is_cut_and_counted() -> None:
    assert cut("x" * MOST) == "x" * MOST
    assert cut("x" * (MOST + 1_234)).endswith("… 1,234 more characters")
