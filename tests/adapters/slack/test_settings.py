"""Settings for Slack: what cannot be used stops the gateway, with what to do about it."""

from typing import Any

import pytest
from interlock_gateway.app import slack_at
from interlock_gateway.settings import Settings, SlackAccess

_GOOD: dict[str, Any] = {
    "bot_token": "env:BOT",
    "app_token": "env:APP",
    "team": "T0INTERLOCK",
    "channel": "C0INCIDENTS",
}


def settings(**changes: Any) -> Settings:
    """Return settings that are good but for `changes`."""
    return Settings(slack=SlackAccess(**{**_GOOD, **changes}))


def test_without_a_bot_token_nothing_is_asked_in_slack() -> None:
    assert slack_at(Settings()) is None


def test_people_become_accounts_and_the_address_is_where_people_reach_the_pages() -> None:
    at = slack_at(settings(people={"anna": "U0ANNA"}, emails={"ben": "ben@interlock.test"}))
    assert at is not None
    assert at.accounts == {"U0ANNA": "anna"}
    assert at.emails == {"ben@interlock.test": "ben"}
    assert at.address == "http://127.0.0.1:8321"
    public = settings().model_copy(update={"public_url": "https://interlock.example.com/"})
    there = slack_at(public)
    assert there is not None
    assert there.address == "https://interlock.example.com"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"team": ""}, "slack.team and slack.channel are missing"),
        ({"channel": ""}, "slack.team and slack.channel are missing"),
        ({"app_token": ""}, "exactly one of them"),
        ({"signing_secret": "env:SECRET"}, "exactly one of them"),
        ({"people": {"anna": "U1", "ben": "U1"}}, "an account belongs to one person"),
        ({"emails": {"anna": "a@x.test", "ben": "A@x.test"}}, "an address belongs to one person"),
        ({"base_url": "http://slack.example.com/api/"}, "use https://"),
    ],
)
def test_settings_that_cannot_be_used_stop_the_gateway(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        slack_at(settings(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_token": "xoxb-in-the-clear"},
        {"channel": "#incidents"},
        {"team": "interlock"},
        {"colour": "red"},
    ],
)
def test_what_no_setting_can_be_is_refused_where_it_stands(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        settings(**changes)
