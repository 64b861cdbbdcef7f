"""A manifest lists what the cells say literally; what hides a call is refused."""

from typing import Any

import pytest
from interlock import manifest, wire
from interlock.errors import UsageError
from interlock.manifest import ActionGrant, Manifest, compute
from interlock.runbook import Runbook, typed
from notebooks import ABOUT, ACTION, LOOK, QUERY, VERIFY, acting, cell, runbook


def looking(source: str, **about: Any) -> Runbook:
    return runbook(cell("look", source), **about)


def allowed(
    source: str, *, sql: str = "SELECT 1", names: tuple[str, ...] = (), target: str = "orders"
) -> bool:
    book = looking(source)
    params = typed(book.bind({}))
    return compute(book).allows("look", target=target, sql=sql, names=names, params=params)


def refusal(book: Runbook) -> str:
    with pytest.raises(UsageError) as refused:
        compute(book)
    assert refused.value.code == "runbook-invalid"
    assert refused.value.message.startswith("queues/queue-stuck.ipynb, cell ")
    return refused.value.message


# --- what is seen -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        'query(params.db, "SELECT 1")',
        'rows = query(params.db, "SELECT 1", max_rows=5)',
        'import interlock\ninterlock.query(interlock.params.db, "SELECT 1")',
        'from interlock import params, query\nquery(params.db, "SELECT " "1")',
        'poll(lambda: query(params.db, "SELECT 1"), until=len)',
        'def look():\n    return query(params.db, "SELECT 1")\nlook()',
        'query(params.db, """SELECT 1""")',
    ],
)
def test_a_literal_query_is_listed(source: str) -> None:
    assert allowed(source)
    assert not allowed(source, sql="SELECT 2")
    assert not allowed(source, sql="SELECT 1 ")
    assert not allowed(source, names=("more",))
    assert not allowed(source, target="billing")


def test_parameter_names_are_the_keywords_in_any_order() -> None:
    source = 'query(params.db, "SELECT :b, :a", b=1, a=2, max_rows=3)'
    assert allowed(source, sql="SELECT :b, :a", names=("a", "b"))
    assert not allowed(source, sql="SELECT :b, :a", names=("a",))


def test_a_target_by_parameter_follows_the_bound_value() -> None:
    book = looking(LOOK)
    params = typed(book.bind({"db": "billing"}))
    listed = compute(book)
    assert listed.allows("look", target="billing", sql="SELECT 1", names=[], params=params)
    assert not listed.allows("look", target="orders", sql="SELECT 1", names=[], params=params)


def test_a_literal_target_is_that_target_alone() -> None:
    fixed = [{"target": "orders", "dialect": "postgres"}]
    book = looking('query("orders", "SELECT 1")', targets=fixed)
    params = typed(book.bind({"db": "billing"}))
    listed = compute(book)
    assert listed.allows("look", target="orders", sql="SELECT 1", names=[], params=params)
    assert not listed.allows("look", target="billing", sql="SELECT 1", names=[], params=params)


def test_only_a_parameter_of_type_target_can_name_one() -> None:
    text = {**ABOUT["params"], "other": {"type": "string", "default": "orders", "help": "x"}}
    book = looking(LOOK, params=text)
    params = typed(book.bind({"db": "billing"}))
    assert params["other"]["value"] == "orders"
    assert not compute(book).allows(
        "look", target="orders", sql="SELECT 1", names=[], params=params
    )
    assert "params.other is not a parameter of type target." in refusal(
        looking('query(params.other, "SELECT 1")', params=text)
    )


def test_a_sql_cell_is_a_query() -> None:
    fixed = [{"target": "orders", "dialect": "postgres"}]
    book = looking("%%sql orders rows <<\nSELECT :min_s, ':no'\n", targets=fixed)
    params = typed(book.bind({}))
    assert compute(book).allows(
        "look", target="orders", sql="SELECT :min_s, ':no'", names=["min_s"], params=params
    )


def test_each_step_has_its_own_list() -> None:
    book = runbook(cell("one", LOOK), cell("two", 'query(params.db, "SELECT 2")'))
    params = typed(book.bind({}))
    listed = compute(book)
    assert listed.allows("one", target="orders", sql="SELECT 1", names=[], params=params)
    assert not listed.allows("two", target="orders", sql="SELECT 1", names=[], params=params)
    assert not listed.allows("three", target="orders", sql="SELECT 1", names=[], params=params)


def test_text_that_is_not_unicode_is_simply_not_listed() -> None:
    book = looking(LOOK)
    assert not compute(book).allows(
        "look", target="orders", sql="\ud800", names=[], params=typed(book.bind({}))
    )


# --- actions and executions -------------------------------------------------------------------


def test_an_action_is_listed_with_its_target_and_the_names_of_its_arguments() -> None:
    book = acting('act("pg.cancel_backend", target=params.db, reason=why, pid=1)')
    params = typed(book.bind({}))
    listed = compute(book)
    assert listed.steps["cancel"].actions == {
        ActionGrant("pg.cancel_backend", "params.db", ("pid",))
    }

    def allows(action: str = "pg.cancel_backend", target: str = "orders", **more: Any) -> bool:
        return listed.allows_action("cancel", action=action, target=target, params=params, **more)

    assert allows()
    assert allows(args=["pid"])
    assert not allows(args=["pid", "more"])
    assert not allows(action="pg.terminate_backend")
    assert not allows(target="billing")
    assert not listed.allows_action(
        "look", action="pg.cancel_backend", target="orders", params=params
    )


def test_an_execution_is_listed_with_its_rows_and_is_no_query() -> None:
    sql = "DELETE FROM jobs WHERE id = :id"
    book = acting(f'execute(params.db, "{sql}", max_rows=5, reason="x", id=1)', effect="write")
    params = typed(book.bind({}))
    listed = compute(book)

    def allows(max_rows: int, text: str = sql) -> bool:
        return listed.allows_execution(
            "cancel", target="orders", sql=text, names=["id"], params=params, max_rows=max_rows
        )

    assert allows(5)
    assert not allows(6)
    assert not allows(5, "DELETE FROM jobs")
    assert not listed.allows("cancel", target="orders", sql=sql, names=["id"], params=params)


# --- what hides a call ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('query(params.db, f"SELECT {x}")', "one literal text, not put together. Values go in"),
        ('query(params.db, "SELECT " + x)', "one literal text"),
        ("query(params.db, sql)", "one literal text"),
        ('query(target, "SELECT 1")', 'written out, as "orders" or params.db.'),
        ('query("or" + "ders", "SELECT 1")', "written out"),
        ('query("Orders!", "SELECT 1")', "'Orders!' is not the name of a target."),
        ('query("orders", "SELECT 1")', "orders is not in the runbook's targets."),
        ('query(params.dbb, "SELECT 1")', "params.dbb is not a parameter of type target."),
        ("query(*what)", "*args is not seen"),
        ('query(params.db, "SELECT 1", **more)', "** is not seen"),
        ("query(params.db)", 'Write query("target", "statement", name=value).'),
        ('query(target=params.db, sql="SELECT 1")', "Write query("),
        ('q = query\nq(params.db, "SELECT 1")', "line 1: query may only be called"),
        ('x = interlock.query\nx(params.db, "SELECT 1")', "query may only be called"),
        ("[query]", "query may only be called"),
        ("query = print", "query may only be called"),
        ("def query(): pass", "query is Interlock's word"),
        ("lambda params: query(params.db, 'SELECT 1')", "params is Interlock's word"),
        ("from interlock import query as q", "Import query under its own name"),
        ("from interlock import params as p", "Import params under its own name"),
        ("from interlock.session import act as a", "Import act under its own name"),
        ("from interlock import *", "Name what you import from interlock."),
        ("import interlock as i", "Write `import interlock`"),
        ("%%bash\nrm -rf", "%%bash is not understood; the only cell magic is %%sql."),
        ("%%sql", "`%%sql ` does not say what to ask."),
        ("%%sql params.db\nSELECT 1", "%%sql takes the name of a target"),
        ("\n%%sql orders\nSELECT 1", "line 2: It is not Python"),
        ("x = 1\n!ls", "line 2: It is not Python"),
        ("x = 1\n\nquery(params.db, x)", "cell look, line 3: query"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_literally_is_refused(source: str, message: str) -> None:
    assert message in refusal(looking(source))


def test_the_error_names_the_line_of_the_file() -> None:
    book = looking("x = 1\ny = 2\nquery(params.db, x)")
    with pytest.raises(UsageError) as refused:
        compute(book)
    line = int(refused.value.line.rsplit(":", 1)[1])
    assert '"source": ' in book.text.splitlines()[line - 1 - 3]


@pytest.mark.parametrize(
    ("kind", "source", "message"),
    [
        ("query", "1 + 1", "A step of kind query must ask a target with query(…)."),
        ("verify", "1 + 1", "A step of kind verify must ask a target"),
        ("query", 'act("pg.cancel_backend", target=params.db)', "Only a step of kind action"),
        ("compute", LOOK, "A step of kind compute asks nothing; make it a query."),
        ("decide", LOOK, "A step of kind decide asks nothing"),
        ("note", LOOK, "A step of kind note asks nothing"),
    ],
)
def test_a_step_does_what_its_kind_says(kind: str, source: str, message: str) -> None:
    assert message in refusal(runbook(cell("look", source, {"kind": kind, "title": "x"})))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 + 1", "exactly one act or execute, not 0."),
        (LOOK, "exactly one act or execute, not 0."),
        ("\n".join(['act("pg.cancel_backend", target=params.db)'] * 2), "line 2: An action step"),
        ('act("pg.cancel", target=params.db)', "pg.cancel is not in the runbook's actions. Did"),
        ('act("pg.cancel_backend", params.db)', 'Write act("action.id", target="name", …).'),
        ("act(name, target=params.db)", "act: its action id must be one literal text"),
        ('execute(params.db, "DELETE", max_rows=n, reason="x")', "max_rows must be a literal"),
        ('execute(params.db, "DELETE", reason="x")', "max_rows must be a literal"),
        ('execute(params.db, "DELETE", max_rows=True, reason="x")', "max_rows must be a literal"),
    ],
)  # fmt: skip
def test_an_action_step_acts_once_and_literally(source: str, message: str) -> None:
    assert message in refusal(acting(source))


PLAN = """
with plan("why") as steps:
    steps.act("pg.cancel_backend", target=params.db, pid=1)
    steps.execute(params.db, "DELETE FROM x WHERE id = :id", max_rows=2, id=7)
"""


def test_a_plan_is_listed_exactly_as_its_members_alone_would_be() -> None:
    granted = compute(acting(PLAN)).steps["cancel"]
    assert granted.actions == frozenset({ActionGrant("pg.cancel_backend", "params.db", ("pid",))})
    (mutation,) = granted.mutations
    alone = 'execute(params.db, "DELETE FROM x WHERE id = :id", max_rows=2, reason="x", id=7)'
    assert compute(acting(alone)).steps["cancel"].mutations == {mutation}


@pytest.mark.parametrize(
    "uses",
    [
        'act("pg.cancel_backend", target=params.db, pid=2)',
        'execute(params.db, "DELETE FROM x WHERE id = :id", max_rows=2, reason="x", id=7)',
    ],
)
def test_a_step_may_use_what_its_plan_asks_for(uses: str) -> None:
    assert compute(acting(PLAN + uses)) != compute(acting(PLAN))  # in its source alone
    assert compute(acting(PLAN + uses)).steps["cancel"].actions
    under_its_name = PLAN.replace("with plan", "with interlock.plan")
    assert compute(acting(under_its_name)).steps["cancel"].mutations


_MEMBER = 'steps.act("pg.cancel_backend", target=params.db)'
_IN_PLAN = 'with plan("why") as steps:\n    '


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (PLAN + 'act("pg.cancel_backend", target="orders", pid=1)', "pg.cancel_backend is not in"),
        (PLAN + PLAN, "one plan, not several"),
        (_IN_PLAN + "pass", "exactly one act or execute, not 0. Several go into a plan."),
        (_IN_PLAN + "\n    ".join([_MEMBER] * 11), "at most 10 actions, not 11"),
        (_IN_PLAN + "do(steps)", "In a plan, write steps.act(…) or steps.execute(…)."),
        (_IN_PLAN + "ask = steps.act", "In a plan, write steps.act(…)"),
        (_IN_PLAN + "steps.act(name, target=params.db)", "act: its action id must be one literal"),
        (_IN_PLAN + 'steps.act("pg.cancel", target=params.db)', "pg.cancel is not in the runbook"),
        (_IN_PLAN + 'steps.execute("orders", "x")', "max_rows must be a literal"),
        (_IN_PLAN + 'steps.execute("orders", sql, max_rows=1)', "statement must be one literal"),
        (_IN_PLAN + "steps.act(*all)", "write its arguments out"),
        ('steps = plan("why")', 'Write `with plan("why") as steps:`.'),
        ('with plan("why"):\n    pass', "with a name of your own"),
        ('with plan("why") as act:\n    pass', "only be called"),
        ("from interlock import plan as p", "Import plan under its own name"),
    ],
)  # fmt: skip
def test_a_plan_is_read_literally(source: str, message: str) -> None:
    assert message in refusal(acting(source))


def test_plan_is_a_name_that_a_cell_may_use_for_something_else() -> None:
    compute(looking('plan = "escalate"\n' + LOOK))


# --- the value --------------------------------------------------------------------------------


def test_it_survives_json_unchanged() -> None:
    listed = compute(acting())
    assert Manifest.from_json(listed.to_json()) == listed
    assert Manifest.from_json(wire.message_of(wire.canonical(listed.to_json()))) == listed
    assert listed.digest == wire.digest(wire.canonical(listed.to_json()))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "manifest/v2"},
        {"steps": {"look": {}}},
        {"steps": 5},
        {"limits": {"rows": 1, "more": 2}},
        {"extra": 1},
    ],
)
def test_json_that_is_no_manifest_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"This is not a manifest/v1\."):
        Manifest.from_json({**compute(acting()).to_json(), **change})


def test_its_digest_changes_with_what_it_allows() -> None:
    digests = {
        compute(book).digest
        for book in (
            looking(LOOK),
            looking(LOOK + "\n"),
            looking('query(params.db, "SELECT 2")'),
            looking(LOOK, limits={"rows": 5}),
            looking(LOOK, version="1.0.1"),
        )
    }
    assert len(digests) == 5


def test_the_calls_of_a_step_can_be_listed_for_a_plan() -> None:
    book = runbook(
        cell("look", LOOK, QUERY),
        cell("cancel", 'act("pg.cancel_backend", target=params.db, pid=1)', ACTION),
        cell("after", LOOK, VERIFY),
    )
    told = [(c.function, c.target, c.what) for s in book.steps for c in manifest.calls(book, s)]
    assert told == [
        ("query", "params.db", "SELECT 1"),
        ("act", "params.db", "pg.cancel_backend"),
        ("query", "params.db", "SELECT 1"),
    ]


# --- metrics ----------------------------------------------------------------------------------

METRICS = 'query_metrics("metrics", "rate(a[:w])", start="1h", step="1m", w=params.db)'
PROMETHEUS = [{"target": "metrics", "dialect": "prometheus"}]


def test_a_question_about_metrics_is_listed_whatever_its_times() -> None:
    listed = compute(looking(METRICS, targets=PROMETHEUS))
    asked: dict[str, Any] = {
        "target": "metrics",
        "promql": "rate(a[:w])",
        "names": ["w"],
        "params": {},
    }
    assert listed.allows_metrics("look", **asked)
    assert not listed.allows_metrics("look", **{**asked, "promql": "rate(a[:w]) "})
    assert not listed.allows_metrics("look", **{**asked, "names": []})
    assert not listed.allows_metrics("look", **{**asked, "target": "orders"})
    assert not listed.allows_metrics("other", **asked)
    assert Manifest.from_json(listed.to_json()) == listed


def test_a_question_about_metrics_is_no_statement_and_the_other_way_round() -> None:
    listed = compute(looking(METRICS, targets=PROMETHEUS))
    assert not listed.allows("look", target="metrics", sql="rate(a[:w])", names=["w"], params={})
    sql = compute(looking(LOOK))
    params = {"db": {"type": "text", "value": "orders"}}
    one: dict[str, Any] = {"target": "orders", "names": [], "params": params}
    assert sql.allows("look", sql="SELECT 1", **one)
    assert not sql.allows_metrics("look", promql="SELECT 1", **one)


@pytest.mark.parametrize(
    "source",
    [
        'query_metrics("metrics", "up" + params.db)',
        'query_metrics("metrics", f"up")',
        "ask = query_metrics",
        "from interlock import query_metrics as ask",
        'query_metrics("metrics", *["up"])',
        'query_metrics("metrics", "up", **{})',
        'query_metrics(promql="up")',
        "def query_metrics(): pass",
    ],
)
def test_a_question_that_cannot_be_read_literally_is_refused(source: str) -> None:
    assert refusal(looking(source, targets=PROMETHEUS))


# --- logs -------------------------------------------------------------------------------------

LOGS = (
    'query_logs("logs", "{app=:app}", start="1h", end="5m", step="1m", limit=5, '
    'direction="forward", app=params.db)'
)
LOKI = [{"target": "logs", "dialect": "loki"}]


def test_a_question_about_logs_is_listed_whatever_its_times_and_its_limit() -> None:
    listed = compute(looking(LOGS, targets=LOKI))
    asked: dict[str, Any] = {"target": "logs", "names": ["app"], "params": {}}
    assert listed.allows_logs("look", logql="{app=:app}", **asked)
    assert not listed.allows_logs("look", logql="{app=:app} ", **asked)
    assert not listed.allows_logs("look", logql="{app=:app}", **{**asked, "names": []})
    assert not listed.allows_logs("look", logql="{app=:app}", **{**asked, "target": "orders"})
    assert not listed.allows_logs("other", logql="{app=:app}", **asked)
    assert not listed.allows_metrics("look", promql="{app=:app}", **asked)
    assert not listed.allows("look", sql="{app=:app}", **asked)
    assert Manifest.from_json(listed.to_json()) == listed


@pytest.mark.parametrize(
    "source",
    [
        'query_logs("logs", "{app=" + params.db)',
        "ask = query_logs",
        "from interlock.telemetry import query_logs as ask",
        "def query_logs(): pass",
    ],
)
def test_a_question_about_logs_that_cannot_be_read_literally_is_refused(source: str) -> None:
    assert refusal(looking(source, targets=LOKI))
