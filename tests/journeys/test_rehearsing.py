"""A responder who looks first: a dry run of the runbook while sessions really wait.

The real command line, gateway and PostgreSQL; nothing is ended and nobody is asked.
"""

from pathlib import Path

import psycopg
import pytest
from interlock.testing.postgres import Database
from pileup import PileUp
from support.desk import logged_in
from support.processes import Command, Logins, gateway_of, settled

pytestmark = [pytest.mark.kernel, pytest.mark.postgres]


def test_a_dry_run_shows_what_would_end_the_pile_up_and_ends_nothing(
    tmp_path: Path, postgres_database: Database
) -> None:
    made = postgres_database
    targets = {"orders": Logins(made.read, made.act)}
    home = settled(tmp_path / "home", targets)
    with gateway_of(home, Command()) as gateway, PileUp(made.app) as pile:
        pid = pile.idle_root()
        pile.waiter("cart-1", 1)
        pile.waiter("cart-2", 1)
        desk = logged_in(tmp_path / "desks", gateway, "responder")
        desk.done("incident", "open", "Checkout hangs", "--severity", "sev2")
        said = desk.does(
            "run", "pg-lock-contention", "-i", "INC-1", "db=orders", "min_block_s=0", "--dry-run"
        )
        assert "DRY RUN: nothing is changed" in said.out
        for words in (
            "◌ terminate",
            "would send",
            "pg_terminate_backend",
            f"with        pid = {pid}, backend_start = ",
        ):
            assert words in said.out, said.out + said.err
        assert "needs       one dba or one incident:commander" in said.out
        assert desk.done("approvals", "list").strip() == ""
        with psycopg.connect(made.superuser) as looking:
            alive = looking.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
            assert alive.fetchone() == (1,)
        told = desk.done("export", "INC-1", "--as", "md")
        assert "previewed pg.terminate_backend on orders; nothing was asked for" in told
        assert "(curated, dry run)" in told
        assert "A-1" not in told
