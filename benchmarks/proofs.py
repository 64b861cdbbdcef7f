"""What proof costs: an evidence bundle of 10,000 events with 200 long parts, and checking it.

The peers do the part of it that needs no proof: write the same events as JSON; hash each once.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from figure import Figure, Target, alternated
from interlock.proof.bundle_checks import bundle_findings, files_of
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.policy_files import PolicyFolder
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.core.timeline import Draft, json_part, text_part
from interlock_gateway.service.bundling import Bundling, Statement
from interlock_gateway.service.ports import Transaction

EVENTS, LONG = 10_000, 200
MOST_BUNDLE_MS, MOST_VERIFY_MS = 2_000.0, 1_000.0
_POLICIES = Path(__file__).resolve().parent.parent / "policies"
_AT_ONCE = 500


def figures(*, smoke: bool) -> list[Figure]:
    """Measure making a bundle, and verifying it."""
    events = 400 if smoke else EVENTS
    with (
        TemporaryDirectory(prefix="interlock-bench-") as folder,
        _recorded(Path(folder), events) as (packed, make),
    ):
        lines = files_of(packed)["timeline.jsonl"].splitlines()
        bodies = [json.loads(line) for line in lines]
        making = alternated(
            {
                "ours": partial(_worked_ms, make),
                "peer": partial(_worked_ms, lambda: [json.dumps(body) for body in bodies]),
            },
            smoke=smoke,
            times=3,
        )
        checking = alternated(
            {
                "ours": partial(_worked_ms, lambda: _verified(packed)),
                "peer": partial(
                    _worked_ms, lambda: [hashlib.sha256(one).digest() for one in lines]
                ),
            },
            smoke=smoke,
            times=5,
        )
    return [
        Figure(
            f"evidence bundle, {events:,} events",
            "ms",
            making["ours"],
            "json.dumps",
            making["peer"],
            Target("value", MOST_BUNDLE_MS),
        ),
        Figure(
            f"offline verify, {events:,} events",
            "ms",
            checking["ours"],
            "hash each once",
            checking["peer"],
            Target("value", MOST_VERIFY_MS),
        ),
    ]


def _worked_ms(work: Callable[[], object]) -> float:
    """Return how long this process works on something, whatever else the machine does."""
    began = process_time()
    work()
    return (process_time() - began) * 1000


def _verified(packed: Path) -> None:
    wrong = [one for one in bundle_findings(files_of(packed)) if not one.holds]
    assert wrong == [], wrong[:3]


@contextmanager
def _recorded(folder: Path, events: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Record an incident, and yield its bundle and what makes another one."""
    keys, packed = LogKeys(folder / "keys"), folder / "INC-1.bundle.zip"
    with asyncio.Runner() as runner:
        store = runner.run(_opened(folder, keys))
        bundling = Bundling(store, PolicyFolder(_POLICIES), keys)
        stated = runner.run(_written(store, events))

        def make() -> None:
            packed.write_bytes(runner.run(bundling.bundle(stated, {})))

        make()
        yield packed, make
        runner.run(store.aclose())


async def _opened(folder: Path, keys: LogKeys) -> SqlStore:
    url = f"sqlite:///{folder}/store.db"
    return open_store(url, SystemClock(), SystemRandomness().identifier, random_bytes, keys)


async def _written(store: SqlStore, events: int) -> Statement:
    for first in range(0, events, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, events))
        await asyncio.gather(*(store.commit(partial(_event, number=n)) for n in numbers))
    return await store.commit(partial(_stated, events=events))


def _event(tx: Transaction, number: int) -> None:
    rows = [[at, "x" * 50] for at in range(300)]
    is_long = number % (EVENTS // LONG) == 0
    parts = {"result": json_part({"rows": rows})} if is_long else {"text": text_part("seen")}
    data = {"run": "R-1", "step": "look", "attempt": 1, "ordinal": number}
    tx.append(Draft("query.completed", "run:R-1", data, parts, incident="INC-1"))


def _stated(tx: Transaction, events: int) -> Statement:
    data = {"form": "bundle", "of": "INC-1", "length": events}
    event = tx.append(Draft("log.exported", "person:you", data, incident="INC-1"))
    return Statement(event, "INC-1", events)
