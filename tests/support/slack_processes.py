"""Gateways in processes of their own that ask in the Slack of tests, as an operator sets it up."""

from dataclasses import replace
from typing import Any

from interlock.testing.slack import FakeSlack

from support.processes import Home


def in_slack(home: Home, slack: FakeSlack) -> Home:
    """Configure Slack as an operator does."""
    lines = [
        "[slack]",
        'bot_token = "env:SLACK_BOT"',
        'app_token = "env:SLACK_APP"',
        'team = "T0INTERLOCK"',
        f'channel = "{slack.channel("incidents").id}"',
        f'base_url = "{slack.api_url}"',
        'people = { approver = "U0ANNA", colleague = "U0CARLA" }',
    ]
    with home.config.open("a") as file:
        file.write("\n" + "\n".join(lines) + "\n")
    tokens = {"SLACK_BOT": slack.tokens.bot, "SLACK_APP": slack.tokens.app}
    return replace(home, env={**home.env, **tokens})


def connected(slack: FakeSlack) -> bool:
    """Tell whether a gateway listens."""
    return any(each.is_ready for each in slack.sockets.connections)


def message_of(slack: FakeSlack, approval: str) -> Any:
    """Return the message of an approval, or None."""
    found = [each for each in slack.channel("incidents").messages if not each.thread]
    return next((each for each in found if each.shown.startswith(f"{approval} ")), None)


def ended(slack: FakeSlack, approval: str) -> bool:
    """Tell whether the message of an approval is at its end."""
    message = message_of(slack, approval)
    return message is not None and message.actions == ["open"]
