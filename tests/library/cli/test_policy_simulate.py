"""`interlock policy simulate`: the gateway tells what was asked, and the deciding is done here."""

import json
from dataclasses import asdict, replace

import httpx
import pytest
from desk import Desk
from interlock.cli.simulated import seconds_of
from interlock.errors import UsageError
from interlock_gateway.core.simulation import Recorded
from policy_folder import PERMISSIONS, folder, lines, loaded

NOW = loaded()
READ = Recorded(
    event="evt_1",
    time="2026-01-02T03:04:05.000Z",
    incident="INC-1",
    call="R-1/look/1/0",
    kind="query",
    person="you",
    part="responder",
    mode="curated",
    severity="sev2",
    target="orders",
    tier="production",
    bearing=NOW.bearings["orders"],
    operation="read",
    max_rows=0,
    decision="freely",
    needs="",
    code="",
    line="permissions.csv:2",
    text=NOW.lines[1].text,
    policy=NOW.digest,
)
STRICT = lines("*, *, *, production, read, *, deny, -, -") + PERMISSIONS


def put(desk: Desk, **changes: str) -> None:
    for name, text in folder(**changes).items():
        path = desk.cwd / "new" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def tells(desk: Desk, *requests: Recorded) -> None:
    answer = {"requests": [asdict(each) for each in requests], "next": 0}
    desk.gateway.routes["GET /v1/requests"] = answer


def test_the_same_policy_changes_nothing(desk: Desk) -> None:
    put(desk)
    tells(desk, READ)

    result = desk.run("policy simulate new")

    assert result.code == 0
    assert result.out == (
        "1 request in the last 30d.\n"
        "✔ 0 would be answered otherwise.\n"
        "  1 would be answered the same.\n"
    )


def test_a_difference_is_shown_with_the_lines_of_both_and_examples(desk: Desk) -> None:
    put(desk, permissions=STRICT)
    tells(desk, *(replace(READ, call=f"R-1/look/1/{n}") for n in range(5)))

    out = desk.run("policy simulate new --since 12h --examples 2").out

    assert out == (
        "5 requests in the last 12h.\n"
        "✖ 5 would be answered otherwise.\n"
        "  0 would be answered the same.\n"
        "\n"
        "5 requests: read on orders (production)\n"
        "  freely → refused, no-permission\n"
        "  was  p, incident:responder, *, *, *, read, *, allow, freely, -\n"
        "       permissions.csv:2 then\n"
        "  now  p, *, *, *, production, read, *, deny, -, -\n"
        "       permissions.csv:1\n"
        "  such as INC-1 R-1/look/1/0 by you, 2026-01-02T03:04Z\n"
        "  such as INC-1 R-1/look/1/1 by you, 2026-01-02T03:04Z\n"
    )


def test_what_cannot_be_decided_again_is_counted_with_the_reason(desk: Desk) -> None:
    put(desk)
    old = replace(READ, call="R-0/a/1/0", person="", part="", mode="", severity="", operation="")
    tells(desk, READ, old)

    assert "  1 cannot be decided again: recorded before this was recorded" in (
        desk.run("policy simulate new").out
    )


def test_as_json_it_says_all_of_it(desk: Desk) -> None:
    put(desk, permissions=STRICT)
    tells(desk, READ)

    told = json.loads(desk.run("policy simulate new --json").out)

    assert (told["requests"], told["alike"], told["since"]) == (1, 0, "30d")
    (difference,) = told["differences"]
    assert (difference["count"], difference["operation"]) == (1, "read")
    assert difference["was"]["line"] == "permissions.csv:2"
    assert difference["now"]["code"] == "no-permission"
    assert [example["event"] for example in difference["examples"]] == ["evt_1"]


def test_nothing_asked_is_said_to_be_nothing_to_compare(desk: Desk) -> None:
    put(desk)
    tells(desk)

    assert desk.run("policy simulate new").out.startswith("Nothing was asked in the last 30d")


def test_pages_are_followed_to_the_last(desk: Desk) -> None:
    put(desk)

    spans = set()

    def pages(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params["after"])
        spans.add(request.url.params["within_s"])
        told = asdict(replace(READ, call=f"R-1/look/1/{after}"))
        following = after + 1 if after < 3 else 0
        return httpx.Response(200, json={"requests": [told], "next": following})

    desk.gateway.routes["GET /v1/requests"] = pages

    assert desk.run("policy simulate new --since 2w").out.startswith("4 requests")
    assert spans == {str(14 * 86_400)}


def test_a_hostile_name_cannot_break_out_of_its_line(desk: Desk) -> None:
    put(desk, permissions=STRICT)
    tells(desk, replace(READ, call="R-1\x1b[2J\nfake/look/1/0", text="p, \x1b[31m"))

    out = desk.run("policy simulate new", terminal=True).out

    assert "\x1b" not in out
    assert "\nfake" not in out


def test_a_folder_that_does_not_load_asks_no_gateway(desk: Desk) -> None:
    put(desk, permissions="p, short\n")

    result = desk.run("policy simulate new")

    assert result.code == 1
    assert "permissions.csv:1: A line has 10 cells" in result.err
    assert desk.gateway.asked == []


def test_a_gateway_of_another_version_is_said_to_be_that(desk: Desk) -> None:
    put(desk)
    desk.gateway.routes["GET /v1/requests"] = {"requests": [{"event": "evt_1"}], "next": 0}

    result = desk.run("policy simulate new")

    assert result.code == 1
    assert "has no usable `time`" in result.err


@pytest.mark.parametrize(
    ("span", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("90m", 5_400), ("2w", 1_209_600)]
)
def test_a_span_is_a_number_and_a_unit(span: str, seconds: int) -> None:
    assert seconds_of(span) == seconds


@pytest.mark.parametrize("span", ["", "30", "d", "0d", "-3d", "3y", "1e3d", "9999999w", "3d "])
def test_any_other_span_is_a_usage_error(span: str) -> None:
    with pytest.raises(UsageError, match="not how far to look back"):
        seconds_of(span)
