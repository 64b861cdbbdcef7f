"""What runs in the process that attacks: confined as a kernel is, it tries one thing."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from interlock.confine.attacks import PROBES
from interlock.confine.bait import Bait
from interlock.confine.ladder import CannotConfineError, Rung, confine
from interlock.confine.limits import Limits
from interlock.confine.room import Room


def main(given: dict[str, Any]) -> None:
    """Try one attack, and say on standard output how it went."""
    probe, bait = PROBES[given["probe"]], Bait(**given["bait"])
    if given["account"] is not None:
        os.setgroups([])
        os.setgid(given["account"])
        os.setuid(given["account"])
    try:
        confine(Rung(given["rung"]), Room(own=[Path(given["own"])]), Limits(**given["limits"]))
    except CannotConfineError as error:
        _end({"failed": str(error)})
    try:
        got = probe.attack(bait)
    except Exception as error:  # noqa: BLE001  whatever stopped it is what is asked for
        _end({"blocked": f"{type(error).__name__}: {error}".splitlines()[0]})
    _end({"open": repr(got)[:100]})


def _end(told: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    os._exit(0)  # threads of an attack are not waited for
