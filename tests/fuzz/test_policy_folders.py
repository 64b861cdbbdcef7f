"""Whatever somebody saves by mistake: it loads and means what casbin reads, or it is refused."""

import random
from typing import Any

from fuzz.policy_hunt import Hunted, hunt, permissive, shipped, try_one


def test_no_folder_crashes_the_loader_or_allows_what_casbin_denies(told: Any) -> None:
    tally = hunt()
    told(tally)

    assert not tally.found, "\n".join(tally.found)
    assert tally.loaded, "Not one folder loaded, so nothing was compared."
    assert tally.allowed, "Not one question was answered with yes, so nothing was compared."


def test_the_hunt_would_notice_a_deny_that_is_not_one() -> None:
    """What casbin reads has a deny on top that we did not load: each yes of ours is a finding."""
    files = shipped()
    del files["cases.toml"]
    tally = Hunted(seed=1)

    class Forgetful(dict[str, str]):
        """Shows the loader a policy without its first line."""

        def get(self, name: str, default: Any = None) -> Any:
            text = super().get(name, default)
            return text.partition("\n")[2] if name == "permissions.csv" else text

    denied = "p, *, *, *, *, *, *, deny, -, -\n" + files["permissions.csv"]
    chance = random.Random(1)  # noqa: S311  repeatable
    for _ in range(20):
        try_one(Forgetful(files | {"permissions.csv": denied}), chance, tally)

    assert tally.loaded == 20
    assert tally.allowed
    assert len(tally.found) == tally.allowed
    assert permissive(files).enforce(
        "you", "incident:responder", "curated", "orders", "x", "read", "sev1"
    )
