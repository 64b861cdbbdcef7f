"""Run tokens: what is remembered of one never outlives it."""

from datetime import UTC, datetime, timedelta

from interlock_gateway.adapters.tokens import SignedRunTokens

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TOKENS = SignedRunTokens(b"k" * 32)


def test_a_token_names_its_run_and_runbook_as_often_as_it_is_read() -> None:
    token, _ = TOKENS.issue("R-1", "sha256:1", NOW)
    assert [TOKENS.read(token, NOW) for _ in range(2)] == [("R-1", "sha256:1")] * 2


def test_a_token_that_was_read_before_ends_on_time() -> None:
    token, ends = TOKENS.issue("R-1", "sha256:1", NOW)
    assert TOKENS.read(token, ends - timedelta(seconds=1)) is not None
    assert TOKENS.read(token, ends + timedelta(seconds=1)) is None


def test_a_changed_token_is_refused_also_after_the_right_one() -> None:
    token, _ = TOKENS.issue("R-1", "sha256:1", NOW)
    other, _ = TOKENS.issue("R-2", "sha256:1", NOW)
    assert TOKENS.read(token, NOW) is not None
    head, claims, _ = other.split(".")
    assert TOKENS.read(".".join((head, claims, token.split(".")[2])), NOW) is None
    assert TOKENS.read(token[:-4], NOW) is None


def test_a_token_of_another_deployment_is_refused_each_time() -> None:
    token, _ = SignedRunTokens(b"o" * 32).issue("R-1", "sha256:1", NOW)
    assert [TOKENS.read(token, NOW) for _ in range(2)] == [None, None]
