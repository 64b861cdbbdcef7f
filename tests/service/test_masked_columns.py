"""Values of masked columns are shown to nobody and kept nowhere, whatever is asked."""

import pytest
from interlock_gateway.core.model import Column, Rows, Statement
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Relation
from interlock_gateway.service.targets import Deed, TargetError
from support.house import House, RunAt, Someone

ANN = "ann@example.com"
OWN = ("", "")
JOBS = Relation("table", {"id": OWN, "state": OWN, "email": OWN})
COLUMNS = (Column("id", "integer"), Column("state", "text"), Column("email", "text"))


@pytest.fixture(autouse=True)
def masked(home: House) -> None:
    """The target `orders` masks jobs.email."""
    targets = home.folder / "policies" / "targets.toml"
    text = targets.read_text().replace(
        'act = "env:ORDERS_ACT"',
        'act = "env:ORDERS_ACT"\nmasked = { pii = ["public.jobs.email"] }',
    )
    targets.write_text(text)
    assert home.policies.reload() == ()
    home.target.names = Catalogue("shop", ("public",), {("public", "jobs"): JOBS})
    home.target.answer = lambda _: Rows(COLUMNS, ((1, "stuck", ANN), (2, "stuck", None)))


async def kept(home: House, incident: str) -> bytes:
    """Everything in the incident's timeline, evidence included."""
    events = await home.store.read(lambda tx: tx.events(incident))
    parts = [part[1] for event in events for part in event.parts.values() if part]
    return b"\n".join([*(event.body for event in events), *parts])


async def test_a_masked_column_is_delivered_and_kept_as_its_tag(
    home: House, look: RunAt, incident: str
) -> None:
    answer = await look.post("/v1/queries", look.asks("SELECT * FROM jobs"))

    assert answer["rows"] == [[1, "stuck", "[pii]"], [2, "stuck", None]]
    assert answer["columns"][2] == {"name": "email", "type": "text", "masked": "pii"}
    assert b"[pii]" in await kept(home, incident)
    assert ANN.encode() not in await kept(home, incident)


async def test_what_could_tell_a_masked_value_is_not_even_sent(home: House, look: RunAt) -> None:
    body = look.asks("SELECT id FROM jobs WHERE email LIKE 'a%'")
    problem = (await look.call("POST", "/v1/queries", body)).json()

    assert problem["code"] == "no-permission"
    assert "masked as pii" in str(problem)
    assert home.target.reads == []


async def test_a_failing_targets_words_are_not_repeated(
    home: House, look: RunAt, incident: str
) -> None:
    def fails(_: Statement) -> Rows:
        raise TargetError("target-failed", f"Could not convert '{ANN}' to a number")

    home.target.answer = fails
    refused = await look.refused("/v1/queries", look.asks("SELECT email FROM jobs"))

    assert refused == "target-failed"
    assert ANN.encode() not in await kept(home, incident)


@pytest.fixture
async def requeue(run: RunAt) -> RunAt:
    """A run whose step `requeue` is running."""
    await run.starts("requeue")
    return run


async def test_approvers_see_a_preview_with_the_tag(
    home: House, requeue: RunAt, approver: Someone, incident: str
) -> None:
    def previews(statement: Statement) -> Rows:
        counted = "count" in statement.text.lower()
        return (
            Rows((Column("n", "integer"),), ((2,),))
            if counted
            else Rows(COLUMNS, ((1, "stuck", ANN),))
        )

    home.target.answer = previews
    asked = await requeue.post("/v1/executions", requeue.mutates())
    seen = await approver.get(f"/v1/approvals/{asked['approval']['id']}")

    assert "[pii]" in str(seen)
    assert ANN not in str(seen)
    assert ANN.encode() not in await kept(home, incident)


@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_what_a_change_returns_or_says_is_masked_too(
    home: House, requeue: RunAt, approver: Someone, incident: str, ends: str
) -> None:
    def does(_: Deed) -> Rows:
        if ends == "badly":
            raise TargetError("target-failed", f"Key (email)=({ANN}) already exists.")
        return Rows(COLUMNS, ((1, "queued", ANN),), affected=1)

    home.target.answer = lambda statement: (
        Rows((Column("n", "integer"),), ((1,),))
        if "count" in statement.text.lower()
        else Rows(COLUMNS, ((1, "stuck", ANN),))
    )
    home.target.deed = does
    asked = await requeue.post("/v1/executions", requeue.mutates())
    approval = asked["approval"]["id"]
    await approver.vote(approval)
    response = await requeue.call("POST", f"/v1/approvals/{approval}/execute")

    assert ANN not in response.text
    assert ANN.encode() not in await kept(home, incident)
