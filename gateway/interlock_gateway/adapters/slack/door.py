"""Signed HTTP: what people do is posted to the gateway, signed by Slack.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from interlock.errors import refusal
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from interlock_gateway.adapters.slack.payloads import heard
from interlock_gateway.service.chat.protocol import Heard
from interlock_gateway.service.ports import Clock

_SIGNATURE = "x-slack-signature"
_TIME = "x-slack-request-timestamp"


class _Now(SlackClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class SlackDoor:
    """Reads requests that Slack signed; every other one is refused."""

    def __init__(self, signing_secret: Callable[[], str], clock: Clock) -> None:
        """Take what gives the secret at the moment of use, and a clock."""
        self._signing_secret = signing_secret
        self._now = _Now(clock)

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard | None, str]:
        """Return what a request tells, if it is for us, and the proof that names the request.

        Raises:
            InterlockError: `bad-signature`; it is not from Slack, or too old.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        signature, at = lower.get(_SIGNATURE, ""), lower.get(_TIME, "")
        verifier = SignatureVerifier(self._signing_secret(), self._now)
        try:
            plain = at.isascii() and at.isdigit() and signature.isascii()  # else the SDK raises
            valid = plain and verifier.is_valid(body, at, signature)
        except ValueError:
            valid = False
        if not valid:
            raise refusal("bad-signature", "This request is not signed by Slack, or is too old.")
        return _read(body), hashlib.sha256(f"{at} {signature}".encode()).hexdigest()


def _read(body: bytes) -> Heard | None:
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)
        payload = json.loads(form["payload"][0])
    except (ValueError, KeyError, RecursionError):
        return None
    return heard(payload) if isinstance(payload, dict) else None
