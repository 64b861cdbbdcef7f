"""What a notebook imports, and what that costs and says."""

import subprocess
import sys

import interlock
import pytest
from interlock.errors import UsageError
from interlock.session import Outcome, current


def imported_by(statement: str) -> set[str]:
    """Return the roots of what a fresh interpreter loads for `statement` beyond its own."""
    code = (
        "import sys; before = set(sys.modules); " + statement + "\n"
        "roots = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(roots - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(  # noqa: S603  our own interpreter and our own text
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_the_kernel_s_library_needs_nothing_but_the_standard_library() -> None:
    assert imported_by("import interlock, interlock.magics") == {"interlock"}


def test_the_kernel_s_library_loads_no_client_and_no_event_loop() -> None:
    code = "import interlock, sys; assert not {'asyncio', 'httpx', 'ssl'} & set(sys.modules)"
    assert imported_by(code) == {"interlock"}


def test_every_name_that_is_promised_is_there() -> None:
    promised = {
        "query",
        "query_metrics",
        "query_logs",
        "act",
        "execute",
        "finding",
        "note",
        "poll",
        "now",
        "params",
        "incident",
    }
    assert promised <= set(interlock.__all__)
    assert all(hasattr(interlock, name) for name in interlock.__all__)


def test_outside_a_run_a_call_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERLOCK_FD", raising=False)
    current.cache_clear()
    with pytest.raises(UsageError, match="not running under Interlock") as caught:
        interlock.query("orders", "SELECT 1")
    assert "interlock run" in str(caught.value)
    with pytest.raises(UsageError, match="not running under Interlock"):
        _ = interlock.params.min_block_s


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(UsageError, match="fixed when a run starts"):
        interlock.params.min_block_s = 1
    with pytest.raises(UsageError, match="fixed when a run starts"):
        del interlock.params.min_block_s


def test_an_outcome_never_hides_that_its_check_failed() -> None:
    done = {"approval": "A-1", "state": "succeeded", "affected": 1, "elapsed_ms": 9}
    failed = {**done, "verify": {"verified": False, "message": "expected no rows, found 1 rows"}}
    assert repr(Outcome.of(done)) == "✔ succeeded, 1 affected · A-1 · 9 ms"
    assert repr(Outcome.of(failed)).startswith("⚠ succeeded, 1 affected, NOT verified: expected")


def test_an_outcome_says_how_to_undo_it_where_that_is_known() -> None:
    undo = 'UPDATE "jobs" SET "state" = \'stuck\' WHERE "id" = 7;'
    outcome = Outcome.of({"approval": "A-1", "affected": 1, "elapsed_ms": 9, "undo_sql": undo})
    assert outcome.undo_sql == undo
    assert repr(outcome) == "✔ succeeded, 1 affected · A-1 · 9 ms · to undo it: .undo_sql"
