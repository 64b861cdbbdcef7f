"""Classification in bounded time: what keeps a parser busy is unknown, and stops nobody else."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from interlock_gateway.adapters.classifier import ALWAYS, KEPT, Classifier, heavy, is_flat
from interlock_gateway.core.model import Dialect, Effect, Statement
from interlock_gateway.core.statement import Catalogue, classify, with_masks
from interlock_gateway.core.statement.catalogue import Relation, Routine
from sql_cases import cases

ENDLESS = "SELECT " + "ARRAY[" * 40 + "1" + "]" * 40
"""Each level doubles the time that sqlglot takes: it would take years."""

LONG = "SELECT " + ", ".join(f"a{number}" for number in range(1_000))
"""Too long to be proven in the gateway's own process, and no trouble at all."""


def postgres(text: str) -> Statement:
    return Statement(Dialect.POSTGRES, text, (), text)


@pytest.fixture
async def classifier() -> AsyncIterator[Classifier]:
    found = Classifier(children=1)
    yield found
    await found.aclose()


def children() -> list[int]:
    """Return the process ids of our own children that classify."""
    ours = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in ours if b"classifier_child" in told_of(pid, "cmdline")]


def told_of(pid: int | str, what: str) -> bytes:
    """Return what the kernel tells of a process; of one that is gone, nothing."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


async def test_a_text_that_takes_too_long_is_unknown_and_the_next_one_is_proven(
    classifier: Classifier,
) -> None:
    endless = await classifier.classify(postgres(ENDLESS))
    assert endless.effect is Effect.UNKNOWN
    assert "250 ms" in endless.reasons[0].detail
    assert classifier.ended == 1
    assert (await classifier.classify(postgres(LONG))).effect is Effect.READ


async def test_the_gateway_answers_others_meanwhile(classifier: Classifier) -> None:
    """No clock decides: the other answer is there before the endless one is given up."""
    endless = asyncio.create_task(classifier.classify(postgres(ENDLESS)))
    await asyncio.sleep(0)
    assert (await classifier.classify(postgres("SELECT 1"))).effect is Effect.READ
    assert not endless.done()
    assert (await endless).effect is Effect.UNKNOWN


async def test_what_was_unknown_is_not_tried_again(classifier: Classifier) -> None:
    first = await classifier.classify(postgres(ENDLESS))
    assert await classifier.classify(postgres(ENDLESS)) is first
    assert classifier.ended == 1


@pytest.mark.parametrize("case", [*cases("postgres_reads"), *cases("postgres_effects")][::7])
async def test_a_child_says_what_the_guard_says(classifier: Classifier, case: object) -> None:
    text = f"{getattr(case, 'sql', '')}\n{'-- long ' * 600}"
    assert not is_flat(text)
    assert await classifier.classify(postgres(text)) == classify(postgres(text))


async def test_a_child_knows_the_catalogue_it_was_told(classifier: Classifier) -> None:
    trap = Relation("view", {}, "SELECT public.evil(1)")
    evil = {"evil": (Routine(("public", "evil")),)}
    path = ("pg_catalog", "public")
    plain = Catalogue("plain", path, {("public", "t"): Relation("table")})
    acting = Catalogue("acting", path, {("public", "t"): trap}, routines=evil)
    statement = postgres(f"{LONG} FROM t")
    for _ in range(2):
        assert (await classifier.classify(statement, plain)).effect is Effect.READ
        assert (await classifier.classify(statement, acting)).effect is Effect.UNKNOWN
        assert (await classifier.classify(statement)).relations is None


@pytest.mark.parametrize(
    "sql", ["SELECT x FROM endless", "SELECT x FROM over", 'SELECT 1 FROM "En-dless over"', LONG]
)
async def test_what_stands_behind_a_name_keeps_nobody_waiting_either(
    classifier: Classifier, sql: str
) -> None:
    """A view is read along with what names it: by a child, in bounded time.

    Here sqlglot reads it, since a column is masked.
    """
    views = Catalogue(
        "with an endless view",
        ("public",),
        {
            ("public", "endless"): Relation("view", {"x": ("", "")}, ENDLESS),
            ("public", "En-dless over"): Relation("view", {"x": ("", "")}, ENDLESS),
            ("public", "over"): Relation("view", {"x": ("", "")}, "SELECT x FROM public.endless"),
            ("public", "orders"): Relation("table", {"x": ("", "")}),
        },
    )
    catalogue = with_masks(views, {"public.orders.x": "pii"})
    found = await classifier.classify(postgres(sql), catalogue)

    assert (found.effect is Effect.UNKNOWN) == (sql != LONG)
    assert classifier.ended == (sql != LONG)
    plain = await classifier.classify(postgres("SELECT x FROM orders"), catalogue)
    assert plain.effect is Effect.READ


def test_a_name_of_no_word_at_all_makes_every_statement_heavy() -> None:
    views = {("public", "$-$"): Relation("view", {}, ENDLESS)}
    assert heavy(Catalogue("odd", ("public",), views)) == {ALWAYS}
    assert heavy(Catalogue("plain", ("public",), {("public", "t"): Relation("table")})) == set()


async def test_a_child_that_was_killed_costs_nobody_an_answer(classifier: Classifier) -> None:
    await classifier.classify(postgres(LONG))
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    assert (await classifier.classify(postgres(LONG + ", b"))).effect is Effect.READ
    assert classifier.ended == 1


async def test_more_targets_than_a_child_keeps_in_mind_are_told_again(
    classifier: Classifier,
) -> None:
    path = ("pg_catalog", "public")
    known = [
        Catalogue(f"target {n}", path, {("public", f"t{n}"): Relation("table")})
        for n in range(KEPT + 3)
    ]
    for turn in range(2):
        for number, catalogue in enumerate(known):
            statement = postgres(f"{LONG}, x{turn} FROM t{number}")
            assert (await classifier.classify(statement, catalogue)).effect is Effect.READ
    assert classifier.ended == 0


async def test_a_child_inherits_no_credential(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_ORDERS_READ", "postgresql://reader:hunter2@db/orders")
    await classifier.classify(postgres(LONG))
    (pid,) = children()
    environ = told_of(pid, "environ")
    assert b"PATH=" in environ
    assert b"hunter2" not in environ


async def test_somebody_who_stops_waiting_leaves_no_answer_for_the_next(
    classifier: Classifier,
) -> None:
    waiting = asyncio.create_task(classifier.classify(postgres(ENDLESS)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    found = await classifier.classify(postgres(LONG))
    assert (found.effect, found.kind) == (Effect.READ, "select")


async def test_no_child_is_left_behind() -> None:
    classifier = Classifier()
    await asyncio.gather(*(classifier.classify(postgres(f"{LONG}, b{n}")) for n in range(4)))
    assert children() != []
    await classifier.aclose()
    assert children() == []


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("SELECT 1", True),
        ("SELECT * FROM t WHERE id IN (SELECT id FROM u WHERE x = ANY (ARRAY[1, 2]))", True),
        (ENDLESS, False),
        (LONG, False),
        ("SELECT " + "CASE WHEN " * 9 + "1" + " THEN 1 END" * 9, False),
        ("SELECT " + "NOT " * 9 + "true", False),
        ("SELECT " + "- " * 9 + "1", False),
        ("SELECT '" + "(" * 9 + "'", False),
    ],
)
def test_only_what_is_short_and_nests_little_is_flat(*, text: str, flat: bool) -> None:
    assert is_flat(text) is flat


def test_nothing_flat_takes_a_parser_long() -> None:
    """The worst nestings found by trying pairs, as deep as a flat text may be."""
    openings = ["ARRAY[", "(SELECT ", "NOT (", "CAST(", "EXISTS(SELECT ", "x IN (", "f(", "a["]
    spent = time.process_time()
    for one in openings:
        for other in openings:
            text = "SELECT " + (one + other) * 4 + "1"
            assert classify(postgres(text)).effect is Effect.UNKNOWN
    assert time.process_time() - spent < 20  # of the process's own time; each would take years
