"""A catalogued action on a target that speaks HTTP: what approvers see is what is sent, once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.core.exchange import understood
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.service.approvals import opened
from interlock_gateway.service.outcomes import as_expected
from interlock_gateway.service.proving import provable
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import TargetError
from stub_api import READER, WRITER, Called, Reply, answering
from stub_kubernetes import StubKubernetes
from support.house import HandClock, House, RunAt, Someone, house

ARGS = {
    "namespace": {"type": "text", "value": "shop"},
    "name": {"type": "text", "value": "web"},
}
TARGET = """
[target.cluster]
dialect = "kubernetes"
tier = "production"
url = "{url}"
addresses = ["127.0.0.1/32"]
read = "env:CLUSTER_READ"
act = "env:CLUSTER_ACT"
"""


class Keys:
    """The credentials of the cluster."""

    def resolve(self, reference: str) -> str:
        return {"env:CLUSTER_READ": READER, "env:CLUSTER_ACT": WRITER}[reference]


@dataclass(slots=True)
class HurryingClock(HandClock):
    """A clock on which every look takes a minute, so that no verify is waited for."""

    looks: int = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 60.0 * self.looks


@dataclass(slots=True)
class RacingKubernetes(StubKubernetes):
    """Somebody replaces the Deployment right before a change arrives, after every check."""

    racing: bool = False
    texts: list[str] = field(default_factory=list)

    def answer(self, called: Called) -> Reply:
        if self.racing and called.method == "PATCH" and "dryRun" not in called.query:
            self.deployment["metadata"]["uid"] = "another"
        return StubKubernetes.answer(self, called)


@pytest.fixture
async def cluster() -> AsyncIterator[tuple[RacingKubernetes, str]]:
    """A cluster and its URL."""
    stub = RacingKubernetes()
    async with answering(stub) as url:
        yield stub, url


Cluster = tuple[RacingKubernetes, str]


@pytest.fixture
async def home(tmp_path: Path, store_url: str, cluster: Cluster) -> AsyncIterator[House]:
    """A gateway with the cluster behind it."""
    target = TARGET.format(url=cluster[1])
    clock, doors = HurryingClock(), Targets(Keys())
    async with house(tmp_path, store_url, clock, more_targets=target, doors=doors) as opened:
        yield opened


@pytest.fixture
async def restart(run: RunAt) -> RunAt:
    """A run whose step `restart` is running."""
    await run.starts("restart")
    return run


def asks(run: RunAt, **more: Any) -> dict[str, Any]:
    wish = {"action": "kubernetes.restart_deployment", "target": "cluster", "args": ARGS}
    return {**run.place("restart"), **wish, "reason": "it leaks memory", **more}


@pytest.fixture
async def asked(restart: RunAt) -> str:
    """A request for approval, waiting."""
    return str((await restart.post("/v1/actions", asks(restart)))["approval"]["id"])


@pytest.fixture
async def colleague(home: House) -> Someone:
    """An SRE, who may approve this."""
    return await home.login("colleague")


@pytest.fixture
async def granted(asked: str, colleague: Someone) -> str:
    """An approved request, not yet used."""
    assert (await colleague.vote(asked)).json()["state"] == "approved"
    return asked


async def state(home: House, approval: str) -> str:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    assert row is not None
    return row.state


# --- what approvers see -------------------------------------------------------------------------


async def test_approvers_see_what_will_be_sent_and_what_the_target_said_to_a_try(
    cluster: Cluster, asked: str, colleague: Someone
) -> None:
    stub, url = cluster
    seen = await colleague.prompt(asked)
    prompt = seen["prompt_text"]
    line = f"{url}/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=interlock"
    assert f"  PATCH {line}\n  Content-Type: application/strategic-merge-patch+json" in prompt
    assert '      "uid": "5c0d6a60-7a44-4a8e-9d07-0f3b5cf1f7a1"' in prompt
    assert "replicas 3 · available 3 · updated 3 · image shop/web:2" in prompt
    assert "what the target answered when it only tried it:\n  replicas 3 · restarted_at" in prompt
    assert "it counts as done only if the answer is: one row" in prompt
    assert stub.changes == []


async def test_exactly_the_approved_bytes_are_sent_once(
    home: House, cluster: Cluster, restart: RunAt, granted: str, colleague: Someone, incident: str
) -> None:
    stub, _ = cluster
    shown = (await colleague.prompt(granted))["proposal"]["statement"]
    answer = await restart.post(f"/v1/approvals/{granted}/execute")
    assert (answer["state"], answer["verify"]["verified"]) == ("succeeded", True)
    again = await restart.post(f"/v1/approvals/{granted}/execute")
    assert again["replayed"]

    (sent,) = stub.changes
    written = understood(shown)
    assert sent.body.decode() == written.body
    assert written.url.endswith(sent.line)
    assert (await home.kinds(incident))[-2:] == ["action.started", "action.succeeded"]


async def test_the_timeline_tells_it_and_holds_no_credential(
    home: House, restart: RunAt, granted: str, incident: str
) -> None:
    await restart.post(f"/v1/approvals/{granted}/execute")
    events = await home.store.read(lambda tx: tx.events(incident))
    parts = [part[1] for event in events for part in event.parts.values() if part]
    told = b"\n".join([*(event.body for event in events), *parts])
    assert b"PATCH http://127.0.0.1" in told
    assert b"restartedAt" in told
    assert READER.encode() not in told
    assert WRITER.encode() not in told


async def test_the_intent_is_durable_before_the_target_is_looked_at(
    home: House, cluster: Cluster, restart: RunAt, incident: str
) -> None:
    stub, _ = cluster
    stub.deployment["metadata"]["name"] = "gone"
    assert await restart.refused("/v1/actions", asks(restart)) == "preview-failed"
    kinds = await home.kinds(incident)
    assert kinds[-2:] == ["action.requested", "action.denied"]


async def test_no_two_requests_share_their_token(
    home: House, restart: RunAt, colleague: Someone
) -> None:
    """It goes into the header by which a vendor knows a repeated request, and into comments."""
    path = home.folder / "policies/actions/kubernetes.restart_deployment.toml"
    more = 'idempotency_header = "Idempotency-Key"\nchanged = [409'
    path.write_text(path.read_text().replace("changed = [409", more))
    assert home.policies.reload() == ()
    tokens = set()
    for ordinal in range(2):
        body = asks(restart) | {"ordinal": ordinal}
        approval = (await restart.post("/v1/actions", body))["approval"]["id"]
        statement = (await colleague.prompt(approval))["proposal"]["statement"]
        tokens.add(dict(understood(statement).fields)["Idempotency-Key"])
        await colleague.vote(approval, "deny")
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 40


# --- between the look and the deed --------------------------------------------------------------


async def test_what_changed_meanwhile_voids_the_approval_before_anything_is_sent(
    home: House, cluster: Cluster, restart: RunAt, granted: str
) -> None:
    stub, _ = cluster
    stub.deployment["metadata"]["generation"] += 1
    path = f"/v1/approvals/{granted}/execute"
    assert await restart.refused(path) == "approval-invalidated"
    assert await state(home, granted) == "invalidated"
    assert stub.changes == []


async def test_what_changes_after_every_check_is_refused_by_the_target_itself(
    home: House, cluster: Cluster, restart: RunAt, granted: str
) -> None:
    stub, _ = cluster
    stub.racing = True
    problem = (await restart.call("POST", f"/v1/approvals/{granted}/execute", {})).json()
    assert problem["code"] == "precondition-failed"
    assert "It has changed since it was looked at, and nothing was done." in problem["detail"]
    assert await state(home, granted) == "failed"
    assert stub.deployment["metadata"]["generation"] == 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http://127.0.0.1", "http://localhost"),
        ('act = "env:CLUSTER_ACT"', 'act = "env:CLUSTER_ACT"\ngeneration = "2"'),
    ],
)
async def test_an_approval_is_for_one_url_and_one_credential(
    home: House, cluster: Cluster, restart: RunAt, granted: str, old: str, new: str
) -> None:
    stub, _ = cluster
    path = home.folder / "policies/targets.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert home.policies.reload() == ()
    assert await restart.refused(f"/v1/approvals/{granted}/execute") == "approval-invalidated"
    assert stub.changes == []


# --- a lost answer ------------------------------------------------------------------------------


async def test_a_lost_answer_is_proven_by_a_verify_that_did_not_hold_before(
    home: House, cluster: Cluster, restart: RunAt, granted: str
) -> None:
    stub, _ = cluster
    stub.breaks = "after"
    answer = await restart.post(f"/v1/approvals/{granted}/execute")
    assert answer["state"] == "succeeded"
    assert "The verify query did not hold right before and does now" in answer["verify"]["message"]
    assert "It was sent, and then" in answer["verify"]["message"]
    assert await state(home, granted) == "succeeded"
    assert len(stub.changes) == 1


@pytest.mark.parametrize("how", ["cut", "502"])
async def test_a_lost_answer_that_nothing_proves_stays_unknown(
    home: House, cluster: Cluster, restart: RunAt, granted: str, how: str
) -> None:
    stub, _ = cluster
    stub.stuck = True
    stub.breaks, stub.says = ("before", 0) if how == "cut" else ("", 502)
    problem = (await restart.call("POST", f"/v1/approvals/{granted}/execute", {})).json()
    assert problem["code"] == "outcome-unknown"
    assert "The verify query proves nothing" in problem["detail"]
    assert await state(home, granted) == "outcome_unknown"
    assert len(stub.changes) == 1  # it is not tried again by itself
    again = asks(restart) | {"ordinal": 1}
    assert await restart.refused("/v1/actions", again) == "idempotency-conflict"


async def test_a_verify_that_holds_already_or_cannot_be_asked_proves_nothing(
    home: House, asked: str
) -> None:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, asked))
    assert row is not None
    proposal = opened(home.gateway.execution._seal, row)  # noqa: SLF001  what was asked for

    async def holds(_check: Any) -> Rows:
        return Rows((Column("n", "integer"),), ((1,),))

    async def not_yet(_check: Any) -> Rows:
        return Rows((Column("n", "integer"),), ())

    async def fails(_check: Any) -> Rows:
        raise TargetError("target-unreachable", "gone")

    assert await provable(proposal, not_yet)
    assert not await provable(proposal, holds)
    assert not await provable(proposal, fails)


# --- what does not fit --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../other", "a/b", "web?dryRun=All", "Web", "", "a" * 300])
async def test_a_name_that_could_be_another_path_is_refused(
    cluster: Cluster, restart: RunAt, name: str
) -> None:
    stub, _ = cluster
    args = ARGS | {"name": {"type": "text", "value": name}}
    assert await restart.refused("/v1/actions", asks(restart, args=args)) == "bad-arguments"
    assert stub.called == []


async def test_an_action_is_for_its_own_kind_of_target(restart: RunAt) -> None:
    code = await restart.refused("/v1/actions", asks(restart, target="orders"))
    assert code in {"unknown-action", "not-in-manifest"}


async def test_no_sql_and_no_promql_is_asked_of_it(look: RunAt, cluster: Cluster) -> None:
    stub, _ = cluster
    problem = (
        await look.call("POST", "/v1/queries", look.asks("SELECT 1") | {"target": "cluster"})
    ).json()
    assert problem["code"] == "not-understood"
    assert problem["detail"] == "kubernetes does not speak SQL."
    assert "catalogued action" in problem["help"]
    place = look.place("look", 1)
    asked = {**place, "target": "cluster", "promql": "up"}
    problem = (await look.call("POST", "/v1/metric-queries", asked)).json()
    assert problem["detail"] == "cluster keeps no metrics: it is kubernetes."
    assert problem["help"] == "Name a target whose dialect is prometheus."
    assert stub.called == []


async def test_a_responder_reads_what_it_asks_and_what_an_argument_takes(
    responder: Someone,
) -> None:
    shown = await responder.get("/v1/actions/alertmanager.silence")
    assert shown["execute"] == "POST /api/v2/silences"
    assert shown["preview"] == "GET /api/v2/alerts"
    assert shown["arguments"]["matchers"]["patterns"]["name"].startswith("[a-zA-Z_]")


@pytest.mark.parametrize("expect", ["no rows", "one row", "one row, true"])
def test_an_answer_that_was_cut_is_not_what_is_expected(expect: str) -> None:
    rows = () if expect == "no rows" else ((True,),)
    whole = Rows((Column("ok", "boolean"),), rows)
    assert as_expected(whole, expect)
    assert not as_expected(replace(whole, truncated="bytes (1,024)"), expect)
