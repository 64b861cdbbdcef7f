"""Where Slack is, as values; knowing that needs no SDK."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SLACK = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class SlackAt:
    """Where Slack is, and as what the gateway is there.

    Attributes:
        bot_token, app_token, signing_secret: references to credentials; one of the last two
            says how it is heard what people do.
        team, channel: the one workspace, and where approvals are asked for.
        address: of the gateway's pages.
        accounts: account → person, as an operator says.
        emails: verified address → person.
        base_url: of the Web API.
        note_reaction: the emoji by which people add a message to a timeline.
        incident_channels: whether each incident gets a channel of its own.
    """

    bot_token: str
    app_token: str
    signing_secret: str
    team: str
    channel: str
    address: str
    accounts: Mapping[str, str] = field(default_factory=dict)
    emails: Mapping[str, str] = field(default_factory=dict)
    base_url: str = SLACK
    note_reaction: str = "memo"
    incident_channels: bool = False
