"""Doctor on masking: whether a planted secret is found, and which credentials are too weak."""

from collections.abc import Sequence

import pytest
from interlock_gateway.adapters.doctor.check import Outcome
from interlock_gateway.adapters.doctor.masking import finds_what_is_planted, watched
from interlock_gateway.adapters.secret_scanner import KingfisherScanner
from interlock_gateway.core.model import Dialect, Target
from interlock_gateway.core.redaction import Span
from interlock_gateway.service.redaction import NoScanner, ScannerError
from interlock_gateway.service.targets import TargetError


class Drawer:
    """Credentials by their reference."""

    def __init__(self, **held: str) -> None:
        self._held = {f"env:{name}": value for name, value in held.items()}

    def resolve(self, reference: str) -> str:
        """Return one, or say that it is not there."""
        if reference not in self._held:
            raise TargetError("target-unreachable", f"{reference} is not set.")
        return self._held[reference]


class Gone:
    """A scanner that is not there."""

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        raise ScannerError(f"it was ended by SIGKILL ({len(texts)})")


def target(read: str, act: str = "") -> Target:
    return Target("orders", Dialect.POSTGRES, "production", read, act)


async def test_the_scanner_that_ships_finds_what_is_planted() -> None:
    scanner = KingfisherScanner()
    check = await finds_what_is_planted(scanner)
    await scanner.aclose()
    assert check.outcome is Outcome.HOLDS


@pytest.mark.parametrize(
    ("scanner", "said"), [(NoScanner(), "it was not found"), (Gone(), "SIGKILL")]
)
async def test_a_scanner_that_finds_nothing_or_is_gone_fails(
    scanner: NoScanner | Gone, said: str
) -> None:
    check = await finds_what_is_planted(scanner)
    assert check.outcome is Outcome.FAILS
    assert said in check.said
    assert "withheld" in check.next


def test_long_credentials_are_watched_and_no_value_is_said() -> None:
    drawer = Drawer(READ="postgresql://ro:Long-enough-42@db/orders", TOKEN="xapp-1-Zz9-Long-42")
    check = watched([target("env:READ", "env:MISSING")], ["env:TOKEN"], drawer)
    assert check.outcome is Outcome.HOLDS
    assert check.said == "2 of 3 hold a secret that is watched"
    assert "Long" not in repr(check)


def test_a_credential_that_is_short_or_a_word_is_named_by_its_reference_alone() -> None:
    drawer = Drawer(READ="postgresql://ro:postgres@db/orders", ACT="password=abc host=db")
    check = watched([target("env:READ", "env:ACT")], [], drawer)
    assert check.outcome is Outcome.NOTED
    assert check.said == "too short: env:ACT, env:READ"
    assert "ordinary" in check.next or "12 characters" in check.next
