"""Slack examined: what would keep approvals from being asked for, or votes from counting."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from interlock.testing.slack import FakeSlack, Refusal
from interlock_gateway.adapters import policy_files
from interlock_gateway.adapters.doctor.check import Check, Outcome
from interlock_gateway.adapters.doctor.slack import Known, Linked, SlackExam
from interlock_gateway.adapters.slack.at import SlackAt
from interlock_gateway.service.targets import TargetError

ROOT = Path(__file__).parents[3]
ACCOUNTS = {"U0ANNA": "approver", "U0BEN": "you", "U0CARLA": "colleague"}
PRIVATE = "xoxb-made-up-bot-token"


class Wristwatch:
    """Goes as the real one does, give or take."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off  # noqa: TID251  compared with a real Date header

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Envelope:
    """Credentials by name; what is not in it does not resolve."""

    held: dict[str, str]

    def resolve(self, reference: str) -> str:
        if reference not in self.held:
            raise TargetError("target-failed", f"{reference} is not set.")
        return self.held[reference]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack in which everything is as it should be."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
def examined(slack: FakeSlack) -> "Examined":
    """Examine that Slack."""
    return Examined(slack)


class Examined:
    """The examination, with what a test changes."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        tokens = slack.tokens
        self.held = {"bot": tokens.bot, "app": tokens.app, "secret": tokens.signing}

    async def __call__(
        self, linked: tuple[Linked, ...] = (), trouble: str = "", off_s: float = 0.0, **more: Any
    ) -> dict[str, Check]:
        at = SlackAt(
            bot_token="bot",
            app_token="app",
            signing_secret="",
            team="T0INTERLOCK",
            channel=self.slack.channel("incidents").id,
            address="https://interlock.test",
            accounts=ACCOUNTS,
            base_url=self.slack.api_url,
        )
        policy = policy_files.read(ROOT / "policies")
        exam = SlackExam(
            replace(at, **more),
            Envelope(self.held),
            Known(policy, linked, trouble),
            Wristwatch(timedelta(seconds=off_s)),
        )
        found = [check async for check in exam.checks()]
        assert PRIVATE not in repr(found)
        assert self.slack.channel("incidents").messages == []
        return {check.check: check for check in found}


def failing(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if check.outcome is Outcome.FAILS]


async def test_where_everything_is_as_it_should_be_nothing_fails_and_nothing_is_posted(
    examined: Examined,
) -> None:
    checks = await examined()
    assert failing(checks) == []
    assert checks["bot token"].said == "valid, of Interlock (T0INTERLOCK)"
    assert checks["channel"].said == "the app is in #incidents"
    assert checks["hears clicks"].said == "by Socket Mode"
    assert checks["link of approver"].said == "U0ANNA (@anna), as slack.people says"
    posted = {call.method for call in examined.slack.calls()}
    assert posted == {"auth.test", "conversations.info", "apps.connections.open", "users.info"}


async def test_a_token_that_was_revoked_says_to_install_the_app_again(examined: Examined) -> None:
    examined.slack.faults.revoke(examined.slack.tokens.bot)
    checks = await examined()
    assert failing(checks) == list(checks) == ["bot token"]
    assert "install the app again" in checks["bot token"].next


async def test_a_token_that_does_not_resolve_is_no_secret_told(examined: Examined) -> None:
    del examined.held["bot"]
    checks = await examined()
    assert checks["bot token"].said == "bot is not set."


async def test_a_token_of_another_workspace_fails(examined: Examined) -> None:
    checks = await examined(team="T0OTHER")
    assert "bot token" in failing(checks)
    assert "nobody's click would count" in checks["bot token"].said


@pytest.mark.parametrize("off_s", [400.0, -400.0])
async def test_a_clock_more_than_five_minutes_from_slacks_fails(
    examined: Examined, off_s: float
) -> None:
    assert failing(await examined(off_s=off_s)) == ["clock"]


async def test_a_clock_two_minutes_off_is_good_enough(examined: Examined) -> None:
    assert failing(await examined(off_s=120.0)) == []


@pytest.mark.parametrize("scope", ["chat:write", "users:read", "channels:history"])
async def test_a_missing_scope_is_named(examined: Examined, scope: str) -> None:
    examined.slack.scopes.discard(scope)
    checks = await examined()
    assert failing(checks) == ["scopes"]
    assert checks["scopes"].said == f"missing: {scope}"


async def test_addresses_are_looked_up_only_where_settings_name_some(examined: Examined) -> None:
    examined.slack.scopes.discard("users:read.email")
    assert failing(await examined()) == []
    checks = await examined(accounts={}, emails={"anna@interlock.test": "approver"})
    assert failing(checks) == ["scopes"]
    assert checks["link of approver"].said == "U0ANNA (@anna), by e-mail address"
    gone = await examined(accounts={}, emails={"nobody@interlock.test": "approver"})
    assert "link of approver" in failing(gone)


async def test_a_private_channel_needs_the_scopes_of_private_channels(examined: Examined) -> None:
    room = examined.slack.add_channel("hidden", "interlock", "anna", private=True)
    examined.slack.scopes.discard("channels:history")
    assert failing(await examined(channel=room.id)) == []
    examined.slack.scopes.discard("groups:history")
    assert failing(await examined(channel=room.id)) == ["scopes"]


async def test_without_the_scope_to_ask_about_a_channel_it_is_read_instead(
    examined: Examined,
) -> None:
    slack = examined.slack
    slack.faults.next("conversations.info", Refusal("missing_scope"))
    checks = await examined()
    assert failing(checks) == []
    assert checks["channel"].tried == "conversations.history"
    slack.faults.next("conversations.info", Refusal("missing_scope"))
    assert failing(await examined(channel=slack.add_channel("other", "anna").id)) == ["channel"]
    slack.scopes.difference_update({"channels:history", "groups:history"})
    slack.faults.next("conversations.info", Refusal("missing_scope"))
    found = await examined()
    assert found["scopes"].said == "missing: channels:history or groups:history"


async def test_a_channel_the_app_is_not_in_says_to_invite_it(examined: Examined) -> None:
    room = examined.slack.add_channel("other", "anna")
    checks = await examined(channel=room.id)
    assert failing(checks) == ["channel"]
    assert "/invite" in checks["channel"].next


async def test_an_archived_and_an_unknown_channel_fail(examined: Examined) -> None:
    examined.slack.channel("incidents").is_archived = True
    assert failing(await examined()) == ["channel"]
    assert failing(await examined(channel="C0NOWHERE")) == ["channel"]


async def test_a_socket_that_cannot_be_opened_says_what_to_turn_on(examined: Examined) -> None:
    examined.held["app"] = "xapp-wrong"
    checks = await examined()
    assert failing(checks) == ["hears clicks"]
    assert "Socket Mode" in checks["hears clicks"].next


async def test_signed_requests_need_a_secret_and_an_address_with_https(examined: Examined) -> None:
    http: dict[str, Any] = {"app_token": "", "signing_secret": "secret"}
    told = (await examined(**http))["hears clicks"]
    assert told.outcome is Outcome.NOTED
    assert "https://interlock.test/slack/callback" in told.next
    assert failing(await examined(**http, address="http://10.0.0.1")) == ["hears clicks"]
    examined.held["secret"] = " "
    assert failing(await examined(**http)) == ["hears clicks"]
    del examined.held["secret"]
    assert failing(await examined(**http)) == ["hears clicks"]


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("U0GUEST", "a guest"),
        ("U0LEFT", "deactivated"),
        ("U0OTHER", "of another workspace"),
        ("U0NOBODY", "unknown"),
        ("U0BOT", "a bot"),
    ],
)
async def test_a_link_that_does_not_fit_any_more_fails_and_says_how_to_end_it(
    examined: Examined, account: str, why: str
) -> None:
    checks = await examined(linked=(Linked("colleague2", account, "code"),))
    assert failing(checks) == ["link of colleague2"]
    assert checks["link of colleague2"].said == f"{account} cannot vote: it is {why}"
    assert f"`interlock slack unlink {account}`" in checks["link of colleague2"].next
    mapped = await examined(accounts={account: "approver"})
    assert "slack.people" in mapped["link of approver"].next


async def test_approvers_without_an_account_are_named_and_so_are_rules_without_votes(
    examined: Examined,
) -> None:
    checks = await examined(accounts={"U0ANNA": "approver"})
    assert failing(checks) == []
    assert "colleague" in checks["without an account"].said
    assert "https://interlock.test/slack" in checks["without an account"].next
    assert "one-sre in Slack" in checks
    assert "one-dba in Slack" not in checks
    assert "a commander is needed" in checks["dba-and-commander in Slack"].said


async def test_a_link_that_does_not_hold_fills_no_seat(examined: Examined) -> None:
    checks = await examined(accounts={"U0GUEST": "approver"})
    assert "one-dba in Slack" in checks


async def test_a_store_that_cannot_be_read_is_said(examined: Examined) -> None:
    checks = await examined(trouble="The store cannot be read: no such file")
    assert checks["links in the store"].outcome is Outcome.NOTED


async def test_a_slack_that_does_not_answer_is_one_failing_check(examined: Examined) -> None:
    with examined.slack.faults.outage():
        checks = await examined()
    assert failing(checks) == list(checks) == ["bot token"]
