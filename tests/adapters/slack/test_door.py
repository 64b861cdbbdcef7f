"""Signed HTTP: what Slack signed a moment ago is read; everything else is refused."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from interlock.errors import InterlockError
from interlock.testing.slack.callbacks import signature
from interlock_gateway.adapters.slack.door import SlackDoor

# The example of https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
STAMP = "1531420618"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNED = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@dataclass
class AtMoment:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        """Return the moment."""
        return self.at

    def monotonic(self) -> float:
        """Return nothing of use."""
        return 0.0


WHEN = datetime.fromtimestamp(int(STAMP), UTC)


def door(**later: float) -> SlackDoor:
    """Return a door, so much later than Slack signed."""
    return SlackDoor(lambda: SECRET, AtMoment(WHEN + timedelta(**later)))


def headers(at: str = STAMP, signed: str = SIGNED) -> dict[str, str]:
    """Return the two headers of a request."""
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed}


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_the_vector_of_slacks_own_page_passes(seconds: int) -> None:
    heard, proof = door(seconds=seconds).read(headers(), BODY)
    assert heard is None  # a slash command, which is not for us
    assert len(proof) == 64


def test_the_names_of_headers_have_no_case() -> None:
    lower = {name.lower(): value for name, value in headers().items()}
    assert door().read(lower, BODY)[1] == door().read(headers(), BODY)[1]


@pytest.mark.parametrize(
    ("given", "body", "late"),
    [
        pytest.param(headers(), BODY + b"x", 0, id="another body"),
        pytest.param(headers(signed=SIGNED[:-1] + "4"), BODY, 0, id="another signature"),
        pytest.param(headers(signed=""), BODY, 0, id="an empty signature"),
        pytest.param(headers(signed=SIGNED.replace("v0", "v1")), BODY, 0, id="another version"),
        pytest.param(headers(at="1531420619"), BODY, 0, id="another time"),
        pytest.param(headers(), BODY, 301, id="too old"),
        pytest.param(headers(), BODY, -301, id="of the future"),
        pytest.param(headers(at="soon"), BODY, 0, id="a time that is no number"),
        pytest.param(headers(at="1531420618.5"), BODY, 0, id="a fraction"),
        pytest.param(headers(at="1531420618\n"), BODY, 0, id="a line break"),
        pytest.param(headers(at="١٥٣١٤٢٠٦١٨"), BODY, 0, id="digits of another script"),
        pytest.param(headers(at="9" * 5_000), BODY, 0, id="a number without end"),
        pytest.param(headers(at=""), BODY, 0, id="no time"),
        pytest.param({"X-Slack-Signature": SIGNED}, BODY, 0, id="without a time"),
        pytest.param({"X-Slack-Request-Timestamp": STAMP}, BODY, 0, id="without a signature"),
        pytest.param({}, BODY, 0, id="without headers"),
        pytest.param(headers(), b"\xff" + BODY, 0, id="a body that is no text"),
        pytest.param(headers(signed="é" * 67), BODY, 0, id="a signature that is not ASCII"),
    ],
)
def test_everything_else_is_refused(given: dict[str, str], body: bytes, late: int) -> None:
    with pytest.raises(InterlockError) as refused:
        door(seconds=late).read(given, body)
    assert refused.value.code == "bad-signature"
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"payload=",
        b"payload={",
        b"payload=[]",
        b"payload=null",
        b"other=1",
        b"payload=" + b"[" * 5_000,
        urlencode({"payload": json.dumps({"type": "block_actions", "actions": []})}).encode(),
        urlencode({"payload": json.dumps({"type": "view_submission", "view": {}})}).encode(),
        urlencode({"payload": json.dumps({"type": "block_actions", "actions": [7]})}).encode(),
    ],
)
def test_what_is_signed_and_not_for_us_is_nothing(payload: bytes) -> None:
    signed = signature(SECRET, STAMP, payload)
    assert door().read(headers(signed=signed), payload)[0] is None
