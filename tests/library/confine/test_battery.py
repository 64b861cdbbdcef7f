"""The battery: each attack is real, and each is stopped where kernels run."""

import os

import pytest
from interlock.confine import Limits, Rung
from interlock.confine.attacks import PROBES
from interlock.confine.bait import laid
from interlock.confine.battery import Outcome, battery

pytestmark = pytest.mark.usefixtures("confining")
NOBODY = 65_534
_ELSEWHERE = {"x32": "Linux is rarely built with it; where it is, the number is refused."}
"""Attacks that may come to nothing on a machine that confines nothing."""

IMMEDIATE = [name for name, one in PROBES.items() if not one.bounded]
BOUNDED = [name for name, one in PROBES.items() if one.bounded]


def _one(
    name: str, rung: Rung, limits: Limits | None = None, account: int | None = None
) -> Outcome:
    (outcome,) = battery(rung, [name], limits=limits, account=account)
    return outcome


@pytest.mark.parametrize("name", PROBES)
def test_an_attack_is_stopped_where_kernels_run(name: str) -> None:
    outcome = _one(name, Rung.CONFINED)
    assert outcome.stopped, outcome.how


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can attack as somebody else.")
@pytest.mark.parametrize("name", PROBES)
def test_it_is_stopped_for_a_user_without_privileges_too(name: str) -> None:
    outcome = _one(name, Rung.CONFINED, account=NOBODY)
    assert outcome.stopped, outcome.how


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can attack as somebody else.")
def test_a_user_whom_the_machine_has_no_name_for_is_confined_too() -> None:
    """Containers run as a number that stands in no list of users."""
    outcome = _one("tcp", Rung.CONFINED, account=54_321)
    assert outcome.stopped, outcome.how


@pytest.mark.parametrize("name", [name for name in IMMEDIATE if name not in _ELSEWHERE])
def test_without_confinement_it_gets_through(name: str) -> None:
    """Else it would prove nothing: what stops it must be the guard."""
    if PROBES[name].privileged and os.geteuid() != 0:
        pytest.skip("Whoever is not root cannot do this in any case.")
    outcome = _one(name, Rung.UNCONFINED)
    assert not outcome.stopped, outcome.how


_MUCH = Limits(memory=1 << 40, file=1 << 40, descriptors=20_000)


@pytest.mark.parametrize("name", ["memory", "shared-anonymous", "large-file", "descriptors"])
def test_with_higher_limits_it_goes_further(name: str) -> None:
    """What stops it must be the limit; nothing that it asks for is ever filled."""
    outcome = _one(name, Rung.CONFINED, limits=_MUCH)
    assert not outcome.stopped, outcome.how


def test_the_bait_notices_what_is_done_to_it() -> None:
    with laid() as bait:
        assert bait.noticed() == ""
        (bait.folder / "new").touch()
        assert "folder" in bait.noticed()
    with laid() as bait:
        os.kill(bait.told.victim, 9)
        os.waitid(os.P_PID, bait.told.victim, os.WEXITED | os.WNOWAIT)
        assert "victim" in bait.noticed()
