"""Whether secrets are masked: the scanner finds a planted one, and what is watched is long."""

from collections.abc import AsyncIterator, Iterable, Sequence

from interlock_gateway.adapters.doctor.check import Check, Notes, some
from interlock_gateway.adapters.secret_scanner import KingfisherScanner
from interlock_gateway.adapters.secrets import secrets_in
from interlock_gateway.core.model import Target
from interlock_gateway.core.redaction import is_weak, masked
from interlock_gateway.service.redaction import ScannerError, SecretScanner
from interlock_gateway.service.targets import Secrets, TargetError

MASKING = "masking"
"""The name under which doctor shows these checks."""

_PLANTED = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
"""What looks like a token of GitHub, and is none."""

_MEND = "Reinstall `interlock-runbooks[gateway]`. Until then every text is withheld, not stored."
_LONGER = "Give it 12 characters or more, not one word; a shorter one is masked only where named."


async def examine_masking(
    targets: Iterable[Target], more: Sequence[str], secrets: Secrets
) -> AsyncIterator[Check]:
    """Yield whether the scanner works, and which credentials can be masked.

    Args:
        targets: whose credentials are looked at.
        more: further references, such as those of Slack's tokens.
        secrets: resolves them; no value is ever said.
    """
    scanner = KingfisherScanner()
    try:
        yield await finds_what_is_planted(scanner)
    finally:
        await scanner.aclose()
    yield watched(targets, more, secrets)


async def finds_what_is_planted(scanner: SecretScanner) -> Check:
    """Return whether a planted secret is found."""
    notes, tried = Notes(MASKING), "a planted token, in a sentence"
    text = f"remote refused {_PLANTED}: 403"
    try:
        (spans,) = await scanner.scan([text])
    except ScannerError as error:
        return notes.fails("the scanner finds secrets", tried, error, _MEND)
    if _PLANTED in masked(text, spans):
        return notes.fails("the scanner finds secrets", tried, "it was not found", _MEND)
    return notes.holds("the scanner finds secrets", tried, "it was found and masked")


def watched(targets: Iterable[Target], more: Sequence[str], secrets: Secrets) -> Check:
    """Return how many credentials are watched, and which are too short or a word."""
    notes, tried = Notes(MASKING), "the credentials of every target, and Slack's"
    named = {ref for one in targets for ref in (one.read, one.act) if ref} | set(more)
    held = {ref: _secrets(ref, secrets) for ref in sorted(named) if not ref.startswith("path:")}
    weak = [ref for ref, values in held.items() if any(map(is_weak, values))]
    number = sum(1 for values in held.values() if values)
    said = f"{number} of {len(held)} hold a secret that is watched"
    if weak:
        return notes.noted("credentials can be masked", tried, f"too short: {some(weak)}", _LONGER)
    return notes.holds("credentials can be masked", tried, said)


def _secrets(reference: str, secrets: Secrets) -> list[str]:
    try:
        return list(secrets_in(secrets.resolve(reference)))
    except TargetError:
        return []  # the target's own check says what is wrong
