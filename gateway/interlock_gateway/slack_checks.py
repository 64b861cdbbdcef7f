"""What doctor examines of Slack, from the settings and the store; neither needs a gateway."""

from collections.abc import AsyncIterator

from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.secrets import References
from interlock_gateway.adapters.store import glimpse
from interlock_gateway.app import slack_at
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.chat.records import LinkRow
from interlock_gateway.service.ports import Reading, StoreUnwritableError
from interlock_gateway.settings import Settings

SLACK = "slack"
"""What `--target` calls it, where no target is called so."""


async def slack_checks(
    settings: Settings, policy: Policy, secrets: References
) -> AsyncIterator[Check]:
    """Yield what is checked of Slack; nothing is raised and nothing posted."""
    notes = Notes(SLACK)
    try:
        at = slack_at(settings)
        from interlock_gateway.adapters.doctor import slack  # noqa: PLC0415  an extra
    except ValueError as error:
        yield notes.fails("settings", "interlock.toml", error, "Mend what it names.")
        return
    except ImportError as error:
        then = "pip install 'interlock-runbooks[slack]'"
        yield notes.fails("driver", "slack_sdk", f"{error.name} is not installed", then)
        return
    if at is None:
        return

    def linked(tx: Reading) -> tuple[slack.Linked, ...]:
        rows = tx.rows(LinkRow, team=at.team, ended_at=None)
        return tuple(slack.Linked(row.person, row.account, row.how) for row in rows)

    try:
        known = slack.Known(policy, glimpse(settings.store_url, linked))
    except StoreUnwritableError as error:
        known = slack.Known(policy, trouble=str(error))
    exam = slack.SlackExam(at, secrets, known, SystemClock())
    async for check in exam.checks():
        yield check
