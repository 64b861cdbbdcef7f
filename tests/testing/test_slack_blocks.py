"""Blocks are checked as Slack checks them, and what they show and ping is known."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.testing.slack import FakeSlack, Message, Version, blocks
from interlock.testing.slack.mrkdwn import pings, plain, unescape
from interlock.testing.slack.page_blocks import marked
from slack_app import BUTTONS, REASON, post, web
from slack_sdk.errors import SlackApiError


def text(words: str = "x", kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": words}


def section(words: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": text(words), **more}


def button(number: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": f"a{number}",
        "text": text("Go", "plain_text"),
        **more,
    }


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": [*elements]}


def header(words: str) -> dict[str, Any]:
    return {"type": "header", "text": text(words, "plain_text")}


def context(count: int) -> dict[str, Any]:
    return {"type": "context", "elements": [text()] * count}


def preformatted(words: str) -> dict[str, Any]:
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": words}]}
    return {"type": "rich_text", "elements": [inner]}


def confirm(**sizes: int) -> dict[str, Any]:
    asked = {name: text("x", "plain_text") for name in ("title", "text", "confirm", "deny")}
    return asked | {name: text("x" * size, "plain_text") for name, size in sizes.items()}


FITS = [
    [section("x" * 3000)],
    [header("x" * 150)],
    [context(10)],
    [actions(*map(button, range(25)))],
    [actions(button(value="v" * 2000, style="danger", confirm=confirm(title=100, text=300)))],
    [actions(button(text=text("x" * 75, "plain_text")))],
    [{"type": "section", "fields": [text("x" * 1000)] * 10}],
    [section(accessory=button(), block_id="b" * 255)],
    [{"type": "divider"}] * 50,
    [preformatted("SELECT 1;\n" * 300)],
    [{"type": "section", "text": text("x", "plain_text") | {"emoji": False}}],
    BUTTONS,
]
"""What Slack takes, each at its limit."""

AT = "[json-pointer:/blocks/0"
REFUSED = [
    ([section("x" * 3001)], f"must be less than 3001 characters {AT}/text/text]"),
    ([section("x" * 3001)], f"failed to match all allowed schemas {AT}/text]"),
    ([section("")], f"must be more than 0 characters {AT}/text/text]"),
    ([header("x" * 151)], f"must be less than 151 characters {AT}/text/text]"),
    ([{"type": "header", "text": text()}], f"must be a valid enum value {AT}/text/type]"),
    ([context(11)], f"no more than 10 items allowed {AT}/elements]"),
    ([context(0)], f"no fewer than 1 items allowed {AT}/elements]"),
    ([actions(*map(button, range(26)))], f"no more than 25 items allowed {AT}/elements]"),
    (
        [actions(button(text=text("x" * 76, "plain_text")))],
        f"must be less than 76 characters {AT}/elements/0/text/text]",
    ),
    (
        [actions(button(value="v" * 2001))],
        f"must be less than 2001 characters {AT}/elements/0/value]",
    ),
    (
        [actions(button(action_id="a" * 256))],
        f"must be less than 256 characters {AT}/elements/0/action_id]",
    ),
    (
        [actions(button(confirm=confirm(confirm=31)))],
        f"must be less than 31 characters {AT}/elements/0/confirm/confirm/text]",
    ),
    ([actions(button(style="warning"))], f"must be a valid enum value {AT}/elements/0/style]"),
    ([actions(button(), button())], f"action_id already exists: a0 {AT}/elements/1/action_id]"),
    ([section(block_id="b" * 256)], f"must be less than 256 characters {AT}/block_id]"),
    ([{"type": "section"}], f"must define either `text` or `fields` {AT}/type]"),
    (
        [{"type": "section", "fields": [text()] * 11}],
        f"no more than 10 items allowed {AT}/fields]",
    ),
    ([{"type": "divider", "text": text()}], f"invalid additional property: text {AT}]"),
    ([{"type": "actions"}], f"missing required field: elements {AT}]"),
    ([{"type": "alien"}], f"unsupported type: alien {AT}/type]"),
    ([{}], f"missing required field: type {AT}]"),
    ([{"type": ["divider"]}], f"unsupported type: ['divider'] {AT}/type]"),
    (["divider"], f"must provide an object {AT}]"),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([preformatted("")], f"must be more than 0 characters {AT}/elements/0/elements/0/text]"),
    (
        [actions({"type": "plain_text_input", "action_id": "t"})],
        f"unsupported type: plain_text_input {AT}/elements/0/type]",
    ),
    (
        [section(block_id="same"), section(block_id="same")],
        "block_id already exists: same [json-pointer:/blocks/1/block_id]",
    ),
]


@pytest.mark.parametrize("given", FITS)
async def test_what_is_at_its_limit_is_taken(
    slack: FakeSlack, given: list[dict[str, Any]]
) -> None:
    assert (await post(slack, blocks=given)).shown is not None


@pytest.mark.parametrize(("given", "words"), REFUSED)
async def test_what_is_past_it_is_refused_with_its_place(
    slack: FakeSlack, given: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await post(slack, blocks=given)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert f"[ERROR] {words}" in answer["response_metadata"]["messages"]
    assert words in answer["errors"]


async def test_all_blocks_together_have_a_limit_too(slack: FakeSlack) -> None:
    await post(slack, blocks=[section("x" * 2900)] * 4)
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await post(slack, blocks=[section("x" * 3000)] * 4)


def modal(**changes: Any) -> dict[str, Any]:
    return {**REASON, **changes}


def asked(**changes: Any) -> list[dict[str, Any]]:
    block = json.loads(json.dumps(REASON["blocks"][0]))
    block["element"] |= changes
    return [block]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (modal(title=text("x" * 25, "plain_text")), "must be less than 25 characters"),
        (modal(submit=text("x" * 25, "plain_text")), "must be less than 25 characters"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters"),
        (modal(callback_id="x" * 256), "must be less than 256 characters"),
        (modal(blocks=[{"type": "divider"}] * 101), "no more than 100 items allowed"),
        (modal(blocks=asked(max_length=3001)), "must be less than 3001"),
        (modal(blocks=asked(min_length=500)), "must be less than max_length"),
        (modal(type="home"), "must be a valid enum value"),
        ({name: REASON[name] for name in REASON if name != "submit"}, "missing required field"),
        (modal(colour="red"), "invalid additional property: colour"),
        ("no view", "must provide an object"),
    ],
)
def test_a_modal_has_limits_of_its_own(view: Any, words: str) -> None:
    assert blocks.in_modal(modal()) == []
    assert any(words in each and "/view" in each for each in blocks.in_modal(view))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "accessory", "block_id", "fields"])
            | st.text(max_size=3),
            inner | st.sampled_from([*blocks.MESSAGE.of.kinds, "button", "mrkdwn", "plain_text"]),  # type: ignore[union-attr]  # a union of blocks
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_value_makes_the_check_raise(value: Any) -> None:
    assert isinstance(blocks.in_message(value), list)
    assert isinstance(blocks.in_modal(value), list)


# --- what is read, and whom it pings ------------------------------------------------------------

PINGING = [
    ("<!channel> wake up", {"@channel"}),
    ("<!here|here> <!everyone>", {"@here", "@everyone"}),
    ("`<!channel>` and ```<@U0ANNA>```", {"@channel", "U0ANNA"}),
    ("<!subteam^S1|@dba>", {"S1"}),
    ("<@U0ANNA|anna>", {"U0ANNA"}),
    ("&lt;!channel&gt; &lt;@U0ANNA&gt;", set()),
    ("@channel @here", set()),
    ("<https://example.test|<!channel>", {"@channel"}),
    ("<#C1> <https://example.test>", set()),
    ("<!date^1700000000^{date}|then>", set()),
]


@pytest.mark.parametrize(("words", "who"), PINGING)
def test_whom_a_text_pings(words: str, who: set[str]) -> None:
    assert pings(words) == who
    version = Version("", [section(words)], "")
    assert version.pings == who
    assert Version("", [header(words)], "").pings == set()
    assert Version("", [preformatted(words)], "").pings == set()


def test_a_bare_name_pings_where_the_call_asked_for_names() -> None:
    assert pings("mail a@here.test, @channel", names=True) == {"@channel"}


async def test_link_names_is_a_way_to_ping_by_accident(slack: FakeSlack) -> None:
    assert (await post(slack, text="@channel", blocks=None)).pings == set()
    assert (await post(slack, text="@channel", blocks=None, link_names=True)).pings == {"@channel"}


def test_mentions_in_rich_text_ping_and_its_texts_do_not() -> None:
    pieces = [
        {"type": "broadcast", "range": "here"},
        {"type": "user", "user_id": "U0ANNA"},
        {"type": "text", "text": "<!channel>"},
    ]
    inner = {"type": "rich_text_section", "elements": pieces}
    said = Version("", [{"type": "rich_text", "elements": [inner]}], "")
    assert said.pings == {"@here", "U0ANNA"}


def test_an_edit_that_would_ping_counts() -> None:
    said = [Version("quiet", [], ""), Version("<!here>", [], "2")]
    assert Message("C1", "1.0", "U0BOT", said).pings == {"@here"}


@given(st.text())
def test_text_that_is_escaped_is_read_as_it_was_and_pings_nobody(data: str) -> None:
    escaped = data.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert unescape(escaped) == data
    assert plain(escaped, str) == data
    assert pings(escaped) == set()


@given(st.text(alphabet="<>&\"'`*_~:!@#|^ax/\n"))
def test_no_text_becomes_markup_on_the_page(data: str) -> None:
    made = marked(data, str)
    for tag in ("a", "b", "i", "s", "br", "pre", "code", "span"):
        made = type(made)(made.replace(f"</{tag}>", "").replace(f"<{tag}>", ""))
    left = made.replace('<span class="mention">', "").replace('<span class="mention many">', "")
    assert "<" not in left


def test_only_addresses_that_slack_links_become_links() -> None:
    assert "href" not in marked("<javascript:alert(1)|here> <data:text/html,x>", str)
    assert 'href="https://example.test/?a=1&amp;b=2"' in marked(
        "<https://example.test/?a=1&amp;b=2|page>", str
    )


async def test_a_permitted_message_shows_what_a_person_reads(slack: FakeSlack) -> None:
    said = [
        header("A-1 on orders"),
        section("ask <@U0ANNA> about &lt;this&gt;, see <https://example.test|the page>"),
        preformatted("SELECT '<!channel>', `x`"),
        context(2),
        actions(button()),
    ]
    shown = (await post(slack, blocks=said)).shown.splitlines()
    assert shown == [
        "A-1 on orders",
        "ask @U0ANNA about <this>, see the page",
        "SELECT '<!channel>', `x`",
        "x x",
        "[Go]",
    ]
    assert (await web(slack).auth_test())["ok"]
