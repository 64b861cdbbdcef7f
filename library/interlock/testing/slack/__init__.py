"""A fake Slack: a server that speaks Slack's protocols, for tests and for trying things out.

It speaks the Web API, Socket Mode, signed HTTP interactivity and `response_url`; it checks
blocks as Slack does, lets people press buttons, and breaks wherever a test orders it. It shows
a page that looks like a channel. Whatever talks to it is the real thing, the official SDK for
one: nothing here imports it.

It runs on Starlette and Uvicorn, which the gateway brings anyway, and needs nothing else: a
responder's machine, which has neither, does not import this package.

    python -m interlock.testing.slack          a fake Slack to look at and to point an app at

Examples:
    >>> from interlock.testing.slack import FakeSlack, RateLimited
    >>> with FakeSlack() as slack:  # doctest: +SKIP
    ...     slack.faults.next("chat.postMessage", RateLimited(retry_after=2))
    ...     run_the_app(slack.api_url, slack.tokens)
    ...     message = slack.channel("incidents").messages[-1]
    ...     slack.person("anna").presses(message, "approve").wait()
"""

from interlock.testing.slack.actor import Actor
from interlock.testing.slack.callbacks import signature
from interlock.testing.slack.calls import Call, Tokens
from interlock.testing.slack.delivery import Delivery, NotAnswered
from interlock.testing.slack.fake import FakeSlack
from interlock.testing.slack.faults import (
    NoAnswer,
    RateLimited,
    Refusal,
    ResetAfter,
    ResetBefore,
    ServerError,
    Slow,
)
from interlock.testing.slack.forms import NotThere
from interlock.testing.slack.workspace import (
    BOT,
    Channel,
    Message,
    Person,
    Refused,
    Version,
    View,
)

__all__ = [
    "BOT", "Actor", "Call", "Channel", "Delivery", "FakeSlack", "Message", "NoAnswer",
    "NotAnswered", "NotThere", "Person", "RateLimited", "Refusal", "Refused", "ResetAfter",
    "ResetBefore", "ServerError", "Slow", "Tokens", "Version", "View", "signature",
]  # fmt: skip
