"""The actions on Kubernetes, cert-manager, Argo CD and Unleash, against strict stand-ins.

They show that the actions ask as the published references say. Nothing here runs at the vendor;
the stand-in for Unleash answers as a real one did.
"""

import json
from collections.abc import AsyncIterator

import pytest
from api_operator import ACTIONS, ApiOperator
from interlock.errors import InterlockError
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError
from stub_api import READER, WRITER, StubApi, answering
from stub_argocd import BEFORE, NOW, StubArgo
from stub_kubernetes import OLDER, StubKubernetes
from stub_unleash import StubUnleash

WEB = {"namespace": "shop", "name": "web"}
TLS = {"namespace": "shop", "name": "shop-tls"}
FLAG = {"project": "default", "feature": "new-checkout", "environment": "production"}
ENTRY = {"name": "shop", "id": 4, "revision": BEFORE}


@pytest.fixture
async def cluster() -> AsyncIterator[tuple[StubKubernetes, str]]:
    """A cluster and its URL."""
    stub = StubKubernetes()
    async with answering(stub) as url:
        yield stub, url


Cluster = tuple[StubKubernetes, str]


def trials(stub: StubApi) -> list[dict[str, str]]:
    return [one.query for one in stub.called if "dryRun" in one.query]


# --- Kubernetes: what all of them do ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("kubernetes.restart_deployment", WEB),
        ("kubernetes.scale_deployment", WEB | {"replicas": 5}),
        ("kubernetes.undo_rollout", WEB | {"generation": 7, "replica_set": OLDER}),
        ("certmanager.renew_certificate", TLS),
    ],
)
async def test_it_is_tried_by_the_server_before_anybody_is_asked_and_then_done_once(
    cluster: Cluster, name: str, given: dict[str, object]
) -> None:
    stub, url = cluster
    operator = ApiOperator.of(name, url)
    await operator.asks(**given)
    assert stub.changes == []
    assert trials(stub) == [{"fieldManager": "interlock", "dryRun": "All"}]
    assert len(operator.shown("trial")) == 1
    assert "dryRun" not in operator.sent
    assert not await operator.verified(within_s=0)

    assert await operator.prechecks()
    await operator.acts()
    assert len(stub.changes) == 1
    assert await operator.verified()
    tried, done = (one for one in stub.called if one.method == "PATCH")
    assert tried.body == done.body
    assert done.body.decode() == operator.sent.split("\n\n")[1]


async def test_a_credential_that_only_reads_tries_nothing(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.restart_deployment", url, act=READER)
    with pytest.raises(TargetError, match=r"`act` of there in targets\.toml"):
        await operator.asks(**WEB)
    assert stub.changes == []


# --- Kubernetes: each of them -------------------------------------------------------------------


async def test_a_restart_changes_the_annotation_alone(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.restart_deployment", url)
    await operator.asks(**WEB)
    (shown,) = operator.shown()
    assert (shown["replicas"], shown["image"], shown["generation"]) == (3, "shop/web:2", 7)
    before = json.loads(json.dumps(stub.deployment["spec"]))
    await operator.acts()
    annotations = stub.deployment["spec"]["template"]["metadata"].pop("annotations")
    assert list(annotations) == ["kubectl.kubernetes.io/restartedAt"]
    assert stub.deployment["spec"] == before


async def test_a_deployment_that_took_the_names_place_is_not_restarted(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.restart_deployment", url)
    await operator.asks(**WEB)
    stub.deployment["metadata"]["uid"] = "another"
    assert not await operator.prechecks()
    error = await operator.refused()
    assert error.code == "precondition-failed"
    assert "It has changed since it was looked at, and nothing was done." in str(error)
    assert stub.deployment["metadata"]["generation"] == 7


async def test_a_rollout_in_between_is_seen_by_the_precheck(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.restart_deployment", url)
    await operator.asks(**WEB)
    stub.deployment["metadata"]["generation"] = 8
    assert not await operator.prechecks()


async def test_a_number_that_somebody_changed_meanwhile_is_not_overwritten(
    cluster: Cluster,
) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.scale_deployment", url)
    await operator.asks(**WEB, replicas=5)
    stub.deployment["spec"]["replicas"] = 9
    assert (await operator.refused()).code == "precondition-failed"
    assert stub.deployment["spec"]["replicas"] == 9


async def test_what_an_autoscaler_scales_is_not_scaled(cluster: Cluster) -> None:
    stub, url = cluster
    stub.autoscaled = ["other", "web"]
    with pytest.raises(TargetError, match="precheck expects no rows and found 1"):
        await ApiOperator.of("kubernetes.scale_deployment", url).asks(**WEB, replicas=5)
    assert trials(stub) == []


async def test_pods_that_do_not_come_are_not_verified(cluster: Cluster) -> None:
    stub, url = cluster
    stub.stuck = True
    operator = ApiOperator.of("kubernetes.scale_deployment", url)
    await operator.asks(**WEB, replicas=5)
    await operator.acts()
    assert stub.deployment["spec"]["replicas"] == 5
    assert not await operator.verified(within_s=0.1)


async def test_a_rollout_is_undone_to_the_template_that_was_shown(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.undo_rollout", url)
    await operator.asks(**WEB, generation=7, replica_set=OLDER)
    (shown,) = operator.shown()
    assert (shown["revision"], shown["image"]) == ("4", "shop/web:1")
    assert '"image": "shop/web:1"' in operator.sent
    stub.replica_set["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"

    await operator.acts()
    template = stub.deployment["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "shop/web:1"
    assert template["metadata"]["labels"] == {"app": "web"}


async def test_another_rollout_in_between_is_not_undone(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("kubernetes.undo_rollout", url)
    await operator.asks(**WEB, generation=7, replica_set=OLDER)
    stub.deployment["metadata"]["generation"] = 8
    assert not await operator.prechecks()
    assert (await operator.refused()).code == "precondition-failed"
    assert stub.deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:2"


async def test_a_replica_set_of_another_deployment_is_no_way_back(cluster: Cluster) -> None:
    stub, url = cluster
    stub.replica_set["metadata"]["ownerReferences"][0]["name"] = "other"
    with pytest.raises(InterlockError, match="The preview does not say"):
        await ApiOperator.of("kubernetes.undo_rollout", url).asks(
            **WEB, generation=7, replica_set=OLDER
        )


async def test_a_certificate_is_issued_anew_and_keeps_its_other_conditions(
    cluster: Cluster,
) -> None:
    stub, url = cluster
    operator = ApiOperator.of("certmanager.renew_certificate", url)
    await operator.asks(**TLS)
    kinds = [one["type"] for one in operator.shown("trial")[0]["conditions"]]
    assert kinds == ["Ready", "Issuing"]
    await operator.acts()
    assert stub.certificate["status"]["revision"] == 4
    assert [one["type"] for one in stub.certificate["status"]["conditions"]] == ["Ready"]


async def test_a_certificate_that_is_being_issued_is_left_alone(cluster: Cluster) -> None:
    stub, url = cluster
    stub.certificate["status"]["conditions"].append({"type": "Issuing", "status": "True"})
    with pytest.raises(TargetError, match="precheck expects no rows and found 1"):
        await ApiOperator.of("certmanager.renew_certificate", url).asks(**TLS)


async def test_conditions_that_changed_meanwhile_are_not_overwritten(cluster: Cluster) -> None:
    stub, url = cluster
    operator = ApiOperator.of("certmanager.renew_certificate", url)
    await operator.asks(**TLS)
    stub.certificate["status"]["conditions"].append({"type": "Issuing", "status": "True"})
    assert (await operator.refused()).code == "precondition-failed"
    assert len(stub.certificate["status"]["conditions"]) == 2


# --- Argo CD ------------------------------------------------------------------------------------


async def test_an_application_goes_back_and_its_end_is_waited_for() -> None:
    stub = StubArgo()
    async with answering(stub) as url:
        operator = ApiOperator.of("argocd.rollback", url)
        await operator.asks(**ENTRY)
        (shown,) = operator.shown()
        assert (shown["now_at"], shown["health"]) == (NOW, "Degraded")
        await operator.acts()
        assert not await operator.verified(within_s=0)
        assert await operator.verified()
    (call,) = stub.changes
    assert call.json() == {"id": 4, "prune": False, "dryRun": False}


async def test_an_entry_with_another_revision_is_not_gone_back_to() -> None:
    async with answering(StubArgo()) as url:
        with pytest.raises(TargetError, match="precheck expects one row and found 0"):
            await ApiOperator.of("argocd.rollback", url).asks(**ENTRY | {"revision": NOW})


@pytest.mark.parametrize("why", ["auto-sync is enabled", "another operation is already"])
async def test_what_argo_cd_refuses_is_proven_not_done(why: str) -> None:
    stub = StubArgo()
    async with answering(stub) as url:
        operator = ApiOperator.of("argocd.rollback", url)
        await operator.asks(**ENTRY)
        if "auto" in why:
            stub.application["spec"]["syncPolicy"]["automated"] = {}
        else:
            stub.application["status"]["operationState"]["phase"] = "Running"
        error = await operator.refused()
    assert error.code == "target-failed"
    assert why in str(error)
    assert "nothing was done" in str(error)


# --- Unleash ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "environment"),
    [("unleash.disable_feature", "production"), ("unleash.enable_feature", "development")],
)
async def test_a_feature_is_switched_in_one_environment(name: str, environment: str) -> None:
    stub, after = StubUnleash(), environment == "development"
    other = "development" if environment == "production" else "production"
    untouched = dict(stub.environments[other])
    async with answering(stub) as url:
        operator = ApiOperator.of(name, url)
        await operator.asks(**FLAG | {"environment": environment})
        assert operator.shown()[0]["enabled"] is not after
        await operator.acts()
        assert await operator.verified()
        assert stub.environments[environment]["enabled"] is after
        assert stub.environments[other] == untouched
        with pytest.raises(TargetError, match="precheck expects one row and found 0"):
            await operator.asks(**FLAG | {"environment": environment})
    assert {one.fields["authorization"] for one in stub.changes} == {WRITER}


async def test_an_environment_that_asks_for_change_requests_stays_as_it_is() -> None:
    stub = StubUnleash(protected=["production"])
    async with answering(stub) as url:
        operator = ApiOperator.of("unleash.disable_feature", url)
        await operator.asks(**FLAG)
        error = await operator.refused()
    assert "It was not let in, and nothing was done." in str(error)
    assert stub.environments["production"]["enabled"]


# --- whatever the vendor ------------------------------------------------------------------------

GIVEN: dict[str, dict[str, object]] = {
    "kubernetes.restart_deployment": dict(WEB),
    "argocd.rollback": dict(ENTRY),
    "unleash.disable_feature": dict(FLAG),
}
STUBS: dict[str, type[StubApi]] = {
    "kubernetes": StubKubernetes,
    "argocd": StubArgo,
    "unleash": StubUnleash,
}


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("breaks", ["before", "after"])
async def test_a_line_that_is_cut_says_nothing_about_the_change(name: str, breaks: str) -> None:
    stub = STUBS[name.partition(".")[0]]()
    async with answering(stub) as url:
        operator = ApiOperator.of(name, url)
        await operator.asks(**GIVEN[name])
        stub.breaks = breaks
        with pytest.raises(OutcomeUnknownError, match="It was sent, and then"):
            await operator.acts()
        assert len(stub.changes) == 1  # nothing is sent again by itself
        assert await operator.verified(within_s=2) is (breaks == "after")


@pytest.mark.parametrize("name", GIVEN)
async def test_a_server_that_fails_after_it_took_the_change_leaves_it_unknown(name: str) -> None:
    stub = STUBS[name.partition(".")[0]]()
    async with answering(stub) as url:
        operator = ApiOperator.of(name, url)
        await operator.asks(**GIVEN[name])
        stub.says = 502
        with pytest.raises(OutcomeUnknownError, match="502"):
            await operator.acts()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_each_action_over_http_shows_something_and_says_what_else_it_needs(name: str) -> None:
    action = ACTIONS[name]
    if not action.over_http:
        return
    assert action.preview.exchange is not None
    assert action.verify.exchange is not None
    assert action.precheck.exchange or action.precheck.none_needed
    assert (action.trial is not None) == (action.dialect == "kubernetes")
