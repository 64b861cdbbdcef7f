"""A changed policy comes into force whole, and the journal says so before anything is decided."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from interlock_gateway.adapters.meter import PrometheusMeter
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.policy.settling import RESTLESS_S, STILL_S
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.reloading import (
    Outcome,
    Refused,
    Reloaded,
    Reloading,
    Unchanged,
)
from support.house import House, RunAt, Someone

DENY = "p, *, *, *, *, read, *, deny, -, -\n"


class Watched:
    """The watch over a house's policy, moved by hand."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.meter = PrometheusMeter()
        self.said: list[Outcome] = []
        self.watch = Reloading(home.store, home.policies, home.clock, self.meter, self.said.append)

    async def passes(self, seconds: float) -> Outcome | None:
        """Let time pass and look once."""
        self.home.clock.pass_time(seconds=seconds)
        return await self.watch.look()

    async def settles(self) -> Outcome | None:
        """Look at a change, and again once it has come to rest."""
        await self.watch.look()
        return await self.passes(STILL_S)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what the deployment's own timeline says of the policy."""
        bodies = await self.home.timeline("")
        return [(e["type"], e["data"]) for e in bodies if e["type"].startswith("policy.")]

    @property
    def alarms(self) -> float | None:
        """How often an alarm was raised."""
        labels = {"kind": "policy_reload"}
        return self.meter.registry.get_sample_value("interlock_alarms_total", labels)


@pytest.fixture
async def watched(home: House) -> Watched:
    watched = Watched(home)
    assert isinstance(await watched.settles(), Unchanged)
    return watched


def write(home: House, change: Callable[[str], str], name: str = "permissions.csv") -> None:
    path = home.folder / "policies" / name
    path.write_text(change(path.read_text()))


async def test_a_change_comes_into_force_with_an_event_of_both_digests(watched: Watched) -> None:
    home, before = watched.home, watched.home.policies.current.digest
    write(home, lambda text: DENY + text)

    outcome = await watched.settles()

    after = home.policies.current.digest
    assert outcome == Reloaded(before, after)
    (event,) = await watched.events()
    assert event[0] == "policy.reloaded"
    assert (event[1]["from"], event[1]["to"], event[1]["trigger"]) == (before, after, "change")
    assert event[1]["lines"] == len(home.policies.current.lines)
    assert watched.alarms is None


async def test_the_next_decision_is_made_under_the_new_policy(
    watched: Watched, look: RunAt
) -> None:
    assert await look.post("/v1/queries", look.asks("SELECT 1"))
    write(watched.home, lambda text: DENY + text)
    await watched.settles()

    again = look.asks("SELECT 1", ordinal=1)
    assert await look.refused("/v1/queries", again) == "no-permission"


async def test_a_folder_that_does_not_load_leaves_the_last_good_policy_with_an_alarm(
    watched: Watched,
) -> None:
    home, good = watched.home, watched.home.policies.current
    write(home, lambda text: text.replace("deny", "Deny"))

    outcome = await watched.settles()

    assert isinstance(outcome, Refused)
    assert home.policies.current is good
    assert watched.alarms == 1
    ((kind, data),) = await watched.events()
    assert (kind, data["policy"], data["found"]) == ("policy.refused", good.digest, 2)
    (stored,) = [
        event
        for event in await home.store.read(lambda tx: tx.events(""))
        if json.loads(event.body)["type"] == "policy.refused"
    ]
    part = stored.parts[data["problems"]["$part"]]
    assert part is not None
    assert b"permissions.csv:19: The effect is exactly `allow` or `deny`" in part[1]


async def test_a_refused_folder_is_told_of_once_and_its_repair_is_taken(
    watched: Watched,
) -> None:
    home = watched.home
    write(home, lambda text: text + "nonsense\n")
    await watched.settles()
    assert [await watched.passes(10) for _ in range(3)] == [None, None, None]
    assert watched.alarms == 1

    write(home, lambda text: text.replace("nonsense", "# mended"))
    assert isinstance(await watched.settles(), Reloaded)


async def test_a_half_written_folder_is_never_read(watched: Watched) -> None:
    """Five files, one after the other: in between the folder would load, and is left alone."""
    home, before = watched.home, watched.home.policies.current
    write(home, lambda text: text.replace("one-dba", "one-approver"))
    assert await watched.watch.look() is None
    for name in ("approvals.toml", "roles.csv", "targets.toml", "model.conf"):
        assert await watched.passes(STILL_S - 0.5) is None
        write(home, lambda text: text + "# and more\n", name)
        assert await watched.watch.look() is None
        assert home.policies.current is before

    assert isinstance(await watched.passes(STILL_S), Reloaded)


async def test_what_changes_while_it_is_read_was_not_read(watched: Watched) -> None:
    home, before = watched.home, watched.home.policies.current

    class Hasty:
        """A folder whose editor saves once more while it is being built."""

        current = before
        built = 0

        async def state(self) -> object:
            return await home.policies.state()

        async def build(self) -> Policy:
            self.built += 1
            policy = await home.policies.build()
            if self.built == 1:
                write(home, lambda text: "# last\n" + text)
            return policy

        def put_in_force(self, policy: Policy) -> None:
            self.current = policy

    desk = Hasty()
    watch = Reloading(home.store, desk, home.clock, watched.meter)
    write(home, lambda text: DENY + text)
    await watch.look()
    home.clock.pass_time(seconds=STILL_S)
    assert await watch.look() is None
    assert desk.current is before

    assert await watch.look() is None
    home.clock.pass_time(seconds=STILL_S)
    assert isinstance(await watch.look(), Reloaded)
    assert desk.current.lines[0].number == 2


async def test_what_editors_leave_lying_about_is_no_change(watched: Watched) -> None:
    policies = watched.home.folder / "policies"
    for name in ("permissions.csv~", "#roles.csv#", ".permissions.csv.swp", "x.tmp", "a.swp"):
        (policies / name).write_text("p, *, half")

    assert await watched.settles() is None
    assert await watched.events() == []


async def test_a_file_renamed_into_place_is_a_change(watched: Watched) -> None:
    """The same size and the same time as before: its number tells."""
    path = watched.home.folder / "policies" / "roles.csv"
    old, other = path.stat(), path.with_name("roles.csv.tmp")
    other.write_text(path.read_text().replace("g, you, sre", "g, you, dba"))
    other.replace(path)
    assert path.stat().st_size == old.st_size

    assert isinstance(await watched.settles(), Reloaded)


async def test_a_signal_reads_what_is_at_rest_at_once(watched: Watched) -> None:
    await watched.passes(10)
    watched.watch.ask()

    assert isinstance(await watched.watch.look(), Unchanged)
    assert await watched.watch.look() is None


async def test_a_signal_is_named_in_the_event(watched: Watched) -> None:
    write(watched.home, lambda text: DENY + text)
    watched.watch.ask()
    assert await watched.watch.look() is None, "it waits for the folder to come to rest"

    await watched.passes(STILL_S)
    assert [data["trigger"] for _, data in await watched.events()] == ["signal"]


async def test_a_folder_that_never_comes_to_rest_is_an_alarm_and_stays_unread(
    watched: Watched,
) -> None:
    before = watched.home.policies.current
    for second in range(int(RESTLESS_S) + 5):
        write(watched.home, lambda text, n=second: text + f"# {n}\n")  # type: ignore[misc]  # the loop's own number
        await watched.passes(1)

    assert [kind for kind, _ in await watched.events()] == ["policy.refused"]
    assert watched.alarms == 1
    assert watched.home.policies.current is before


async def test_a_policy_whose_event_cannot_be_written_does_not_come_into_force(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = watched.home, watched.home.policies.current
    write(home, lambda text: DENY + text)

    async def full(_unit: object) -> None:
        raise StoreUnwritableError

    with monkeypatch.context() as patched:
        patched.setattr(home.store, "commit", full)
        with pytest.raises(StoreUnwritableError):
            await watched.settles()
    assert home.policies.current is before

    assert isinstance(await watched.watch.look(), Reloaded)


async def test_a_folder_that_is_gone_leaves_the_last_good_policy(watched: Watched) -> None:
    folder = watched.home.folder / "policies"
    folder.rename(folder.with_name("elsewhere"))

    outcome = await watched.settles()

    assert isinstance(outcome, Refused)
    assert "There is no such folder" in str(outcome.problems[0])


async def test_a_start_says_which_policy_is_in_force(watched: Watched) -> None:
    await watched.watch.begin()

    ((kind, data),) = await watched.events()
    assert (kind, data["policy"]) == ("policy.loaded", watched.home.policies.current.digest)


async def test_a_start_whose_event_cannot_be_written_is_an_alarm_and_still_a_start(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_unit: object) -> None:
        raise StoreUnwritableError

    monkeypatch.setattr(watched.home.store, "commit", full)
    await watched.watch.begin()

    assert watched.alarms == 1


# --- what is under way ------------------------------------------------------------------------


async def test_a_query_is_decided_again_if_policy_changes_while_the_target_is_asked(
    home: House, look: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target is slow to say what its names mean; meanwhile a deny comes into force."""
    slow = home.target.catalogue

    async def meanwhile(*given: Any, **more: Any) -> Catalogue | None:
        write(home, lambda text: text if DENY in text else DENY + text)
        assert home.policies.reload() == ()
        return await slow(*given, **more)

    monkeypatch.setattr(type(home.target), "catalogue", lambda _self, *a, **k: meanwhile(*a, **k))

    assert await look.refused("/v1/queries", look.asks("SELECT 1")) == "no-permission"
    assert home.target.reads == []


async def test_a_target_that_changes_while_a_grant_is_used_is_met_as_it_is_now(
    home: House, run: RunAt, asked: str, approver: Someone
) -> None:
    """Its settings change during the precheck, so everything is checked once more."""
    assert (await approver.vote(asked)).json()["state"] == "approved"
    plain, seen = home.target.answer, []

    def meanwhile(statement: Any) -> Any:
        seen.append(statement.text)
        if len(seen) == 1:
            targets = home.folder / "policies" / "targets.toml"
            targets.write_text(
                targets.read_text().replace("act =", "limits = { rows = 7 }\nact =")
            )
            assert home.policies.reload() == ()
        return plain(statement)

    home.target.answer = meanwhile
    await run.post(f"/v1/approvals/{asked}/execute")

    verify = "SELECT pid FROM pg_stat_activity WHERE"
    assert len([text for text in seen if not text.startswith(verify)]) == 2
    assert len(home.target.deeds) == 1
