"""The index leaves out nothing: whatever is asked, stock casbin over all lines answers the same.

Lines are made without the loader here, so that more is tried than it would let in: allows of
everything, overrides of nothing, lines that cover each other, and roles eight links deep.
"""

import random
from collections.abc import Sequence

import pytest
from casbin import Enforcer, persist  # type: ignore[import-untyped]  # pycasbin ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy import SILENCE, Ask
from interlock_gateway.core.policy.engine import MODEL, Engine, links
from interlock_gateway.core.policy.index import Index
from interlock_gateway.core.policy.roles import Roles, part_name
from interlock_gateway.core.policy.values import Line, among, text_of

TARGETS = ("orders", "orders-eu", "o", "notes")
TIERS = ("production", "staging")
OPERATIONS = ("read", "costly", "write", "pg.stop")
CHAIN = tuple(f"r{depth}" for depth in range(9))
STANDING = (*CHAIN, "dba", "lonely")
ROLES = Roles(
    declared=STANDING,
    people={"you": ("r0",), "approver": ("dba", "r4"), "dba": ("lonely",), "colleague": ()},
    implies={
        **{role: (CHAIN[depth + 1],) for depth, role in enumerate(CHAIN[:-1])},
        "dba": ("r7", "lonely"),
        "incident:commander": ("incident:responder",),
    },
)
PARTS = tuple(part_name(part) for part in IncidentRole)
"""`dba` is a role and a person who does not hold it; `orders` begins the name `orders-eu`."""


def cells(*names: str) -> st.SearchStrategy[str]:
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    return st.just("*") | some.map("|".join)


ROWS = st.tuples(
    st.sampled_from(("*", *STANDING, *PARTS)),
    cells(*Mode),
    cells(*TARGETS),
    cells(*TIERS),
    cells(*OPERATIONS),
    cells(*Severity),
    st.sampled_from(("allow", "deny")),
    st.sampled_from(("-", "freely", "one", "two")),
    st.sampled_from(("-", "override")),
)
ASKS = st.builds(
    Ask,
    st.sampled_from(("you", "approver", "dba", "colleague", "stranger", "r3", "")),
    st.sampled_from((None, *IncidentRole)),
    st.sampled_from(Mode),
    st.sampled_from((*TARGETS, "(any)")),
    st.sampled_from(TIERS),
    st.sampled_from((*OPERATIONS, "ddl")),
    st.sampled_from(Severity),
)


def lines_of(rows: Sequence[tuple[str, ...]]) -> list[Line]:
    return [Line(number, *row) for number, row in enumerate(dict.fromkeys(rows), start=1)]


def stock(lines: Sequence[Line], roles: Roles) -> Enforcer:
    """Return pycasbin as it comes, over all lines."""
    enforcer = Enforcer(Enforcer.new_model(text=MODEL))
    for line in [*(each.text for each in lines), *(text_of(("g", *ln)) for ln in links(roles))]:
        persist.load_policy_line(line, enforcer.model)
    enforcer.build_role_links()
    enforcer.add_function("among", among)
    return enforcer


def oracle(enforcer: Enforcer, lines: Sequence[Line], ask: Ask) -> tuple[bool, str]:
    """Return what stock casbin says, and by which line."""
    allowed, row = enforcer.enforce_ex(
        *(f"person:{ask.person}", part_name(ask.incident_role), str(ask.mode), ask.target),
        *(ask.tier, ask.operation, str(ask.severity)),
    )
    found = [line.place for line in lines if line.row == tuple(row)]
    return allowed, found[0] if found else SILENCE


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=12),
    asks=st.lists(ASKS, min_size=8, max_size=8),
)
def test_stock_casbin_agrees_on_the_answer_and_on_the_deciding_line(
    rows: list[tuple[str, ...]], asks: list[Ask]
) -> None:
    lines = lines_of(rows)
    engine, casbin = Engine(lines, ROLES), stock(lines, ROLES)

    for ask in asks:
        ruling = engine.rule(ask)
        assert not ruling.fault
        assert (ruling.allowed, ruling.line) == oracle(casbin, lines, ask)
        assert engine.rule(ask) == ruling


SECOND_PAGE = [
    ("r8", "*", f"orders|t{n}", "*", "read", "*", "allow", "one", "-") for n in range(40)
]


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROWS, min_size=90, max_size=120), asks=st.lists(ASKS, min_size=6, max_size=6))
def test_they_agree_where_more_lines_fit_than_casbin_is_handed_at_once(
    rows: list[tuple[str, ...]], asks: list[Ask]
) -> None:
    wide = [(*row[:2], "*", "*", "*", "*", *row[6:]) for row in rows]
    lines = lines_of([row for pair in zip(wide, rows, strict=True) for row in pair])
    engine, casbin = Engine(lines, ROLES), stock(lines, ROLES)

    for ask in asks:
        ruling = engine.rule(ask)
        assert (ruling.allowed, ruling.line) == oracle(casbin, lines, ask)


def test_a_match_beyond_the_first_page_decides() -> None:
    """Handed pages that casbin finds nothing in, it is asked about the next ones."""
    lines = lines_of(SECOND_PAGE)
    engine = Engine(lines, ROLES)
    engine._index._role = engine._index._mode  # noqa: SLF001  an index that leaves in too much
    others = [("lonely", *line.row[1:]) for line in lines]
    engine._index._rows[:-1] = others[:-1]  # noqa: SLF001  39 lines for somebody else come first

    ask = Ask("you", None, Mode.CURATED, "orders", "production", "read", Severity.SEV1)

    assert engine.rule(ask).line == f"permissions.csv:{len(lines)}"


def test_ten_thousand_lines_are_decided_as_casbin_decides_them_all() -> None:
    chance = random.Random(7)  # noqa: S311  the same lines each time
    words = (
        *(("*", *STANDING, *PARTS), ("*", *Mode), [f"db-{n}" for n in range(900)]),
        *(("*", *TIERS), OPERATIONS, ("*", *Severity)),
        *(("allow", "allow", "deny"), ("freely", "one", "two"), ("-", "override")),
    )
    lines = lines_of([tuple(map(str, map(chance.choice, words))) for _ in range(10_200)])
    engine, casbin = Engine(lines, ROLES), stock(lines, ROLES)
    assert len(lines) >= 10_000

    for _ in range(40):
        ask = Ask(
            chance.choice(["you", "approver", "dba"]),
            chance.choice([None, *IncidentRole]),
            chance.choice(list(Mode)),
            f"db-{chance.randrange(900)}",
            chance.choice(TIERS),
            chance.choice(OPERATIONS),
            chance.choice(list(Severity)),
        )
        ruling = engine.rule(ask)
        assert (ruling.allowed, ruling.line) == oracle(casbin, lines, ask)


def test_casbin_is_handed_few_lines_of_many() -> None:
    rows = [("dba", "*", f"db-{n}", "*", "read", "*", "allow", "one", "-") for n in range(5_000)]
    index = Index(lines_of(rows), ROLES)
    ask = Ask("approver", None, Mode.CURATED, "db-4711", "production", "read", Severity.SEV2)

    assert [len(page) for page in index.pages(ask)] == [1]


def test_where_no_line_fits_casbin_is_not_asked_since_it_would_match_blanks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(lines_of([("dba", *["*"] * 5, "allow", "one", "-")]), ROLES)

    def never(*_words: str) -> None:
        raise AssertionError

    monkeypatch.setattr(engine._enforcer, "enforce_ex", never)  # noqa: SLF001  no other way in
    ask = Ask("stranger", None, Mode.CURATED, "orders", "production", "read", Severity.SEV2)

    assert (engine.rule(ask).allowed, engine.rule(ask).line) == (False, SILENCE)


def test_only_so_many_rulings_are_remembered_and_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interlock_gateway.core.policy.engine._REMEMBERED", 2)
    engine = Engine(lines_of([("*", *["*"] * 5, "allow", "one", "-")]), ROLES)

    for target in ("a", "b", "c"):
        engine.rule(Ask("you", None, Mode.CURATED, target, "production", "read", Severity.SEV1))

    assert [ask.target for ask in engine._rulings] == ["b", "c"]  # noqa: SLF001  no other way in
