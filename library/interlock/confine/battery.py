"""The battery: every attack in a process that is confined as a kernel is, and what came of it.

What an attack says of itself is not believed where it can be seen: the bait tells whether anybody
connected, whether the victim lives, whether the files are as they were.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from interlock.confine.attacks import PROBES, Probe
from interlock.confine.bait import Laid, laid
from interlock.confine.ladder import Rung
from interlock.confine.launch import command
from interlock.confine.limits import Limits

_MAIN = "interlock.confine.attack_main"
_LONGEST_S = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attack went.

    Attributes:
        name: which one.
        probe: what it tried.
        stopped: whether it was.
        how: what stopped it, or what it got.
    """

    name: str
    probe: Probe
    stopped: bool
    how: str


def battery(
    rung: Rung,
    names: Iterable[str] = PROBES.keys(),
    *,
    limits: Limits | None = None,
    account: int | None = None,
) -> Iterator[Outcome]:
    """Try every attack at a rung, one after the other, and yield how each went.

    Args:
        rung: at which the attacking process is put.
        names: the attacks; all of them unless said.
        limits: how much the attacking process may use; as much as a kernel unless said.
        account: the number of the user who attacks, where the battery is run by root.
    """
    for name in names:
        how = {"rung": int(rung), "limits": asdict(limits or Limits()), "account": account}
        with laid() as bait:
            yield _tried(name, how, bait)


def _tried(name: str, how: Mapping[str, Any], bait: Laid) -> Outcome:
    told = _run({"probe": name, "bait": asdict(bait.told), **how})
    seen = bait.noticed()
    got = seen or told.get("open") or told.get("failed")
    return Outcome(name, PROBES[name], stopped=got is None, how=got or told["blocked"])


def _run(given: Mapping[str, Any]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="il-attack-") as own:
        if given["account"] is not None:
            os.chown(own, given["account"], -1)
        try:
            done = subprocess.run(  # noqa: S603  our own interpreter, no shell
                command(_MAIN, {**given, "own": own}),
                cwd=own,
                env={},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LONGEST_S,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"the attack took more than {_LONGEST_S} s"}
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    if lines:
        told: dict[str, str] = json.loads(lines[-1])
        return told
    if done.returncode < 0:
        return {"blocked": f"ended by {signal.Signals(-done.returncode).name}"}
    return {"failed": done.stderr.decode(errors="replace").strip()[-300:] or "it said nothing"}
