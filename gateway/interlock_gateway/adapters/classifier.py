"""Classification in bounded time: a text that keeps a parser busy stops nothing else.

Parsers take time that doubles with each level of some nestings: 24 times `ARRAY[` takes minutes.
What is short and flat is proven at once, everything else in a child process. A child has no
credential in its environment and no way out but its answer. What takes longer than the bound of
processor time, or more memory than it may have, ends the child: the statement is unknown, and
another child takes the next one.
"""

import asyncio
import base64
import json
import pickle
import re
import signal
from asyncio.subprocess import Process
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from interlock_gateway.adapters import child as processes
from interlock_gateway.core.model import Classification, Dialect, Effect, Masks, Reason, Statement
from interlock_gateway.core.statement import Catalogue, classify

CPU_S = 0.25
"""Processor time for one text; the child's kernel ends it there (ITIMER_PROF)."""

MEMORY = 1 << 30
"""Bytes of address space for a child."""

KEPT = 8
"""Snapshots that a child keeps, the latest it was told."""

_WALL_S = 10.0  # a child that neither works nor ends, as on a machine that swaps
_CHILDREN = 2
_TRIES = 2
_KEPT = 4_096  # classifications
_LINE = 64 << 20  # characters of one answer; a child that says more is broken
_MODULE = "interlock_gateway.adapters.classifier_child"

_SHORT, _LEVELS = 4_096, 8
_NESTS = re.compile(r"\b(?:case|not|select)\b|- ", re.IGNORECASE)  # nest without brackets
_WORD = re.compile(r"\w+")
ALWAYS = ""
"""Among the names that `heavy` returns: every statement may call it, whatever it names."""

_BRACKETS = re.compile(r"[()\[\]{}]")

_Key = tuple[Dialect, str, str]


class Classifier:
    """Proves what statements do, each in bounded time, and remembers it.

    Attributes:
        ended: how many children were ended, or ended by themselves.
    """

    def __init__(self, children: int = _CHILDREN, cpu_s: float = CPU_S) -> None:
        """Start nothing yet.

        Args:
            children: how many work at once.
            cpu_s: processor time for one text, in seconds.
        """
        self.ended = 0
        self._cpu_s = cpu_s
        self._free: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        self._unmade = children
        self._known: OrderedDict[_Key, Classification] = OrderedDict()
        self._heavy: dict[str, frozenset[str]] = {}  # by the version of the snapshot

    async def start(self) -> None:
        """Let one child load its parsers now, so that the first long statement need not wait."""
        child = await self._take()
        with suppress(OSError):  # told with the first statement that needs it
            await child.started()
        self._free.put_nowait(child)

    async def classify(
        self, statement: Statement, catalogue: Catalogue | None = None
    ) -> Classification:
        """Return what the statement does; what fails or takes too long is unknown."""
        key = (statement.dialect, statement.text, catalogue.version if catalogue else "")
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        if is_flat(statement.text) and not self._names_a_heavy_one(statement, catalogue):
            found, lasting = classify(statement, catalogue), True
        else:
            found, lasting = await self._asked(statement, catalogue)
        if lasting:
            self._known[key] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found

    def _names_a_heavy_one(self, statement: Statement, catalogue: Catalogue | None) -> bool:
        """Tell whether a text names something whose definition could keep a parser busy."""
        if catalogue is None:
            return False
        if catalogue.version not in self._heavy:
            latest = dict(list(self._heavy.items())[-KEPT:])
            self._heavy = {**latest, catalogue.version: heavy(catalogue)}
        found = self._heavy[catalogue.version]
        return ALWAYS in found or not found.isdisjoint(_words(statement.text))

    async def aclose(self) -> None:
        """End every child that is idle; one that works ends when its input does."""
        while not self._free.empty():
            child = self._free.get_nowait()
            child.hang_up()
            await child.end()

    async def _asked(
        self, statement: Statement, catalogue: Catalogue | None
    ) -> tuple[Classification, bool]:
        """Return what a child proves, and whether that is so for good.

        A child that was killed from outside says nothing about the text: another one is asked.
        """
        ended = 0
        for _ in range(_TRIES):
            said = await self._try(statement, catalogue)
            if isinstance(said, Classification):
                return said, True
            ended = said
            if ended == -signal.SIGPROF:
                break
        return _unknown(statement, self._cpu_s), ended != -signal.SIGKILL

    async def _try(
        self, statement: Statement, catalogue: Catalogue | None
    ) -> Classification | int:
        """Return what one child proves, or how it ended instead."""
        child = await self._take()
        try:
            async with asyncio.timeout(_WALL_S):
                return await child.ask(statement, catalogue)
        except (OSError, EOFError, ValueError, TimeoutError):
            self.ended += 1
            ended = await child.end()
            child = _Child(self._cpu_s)
            return ended
        except BaseException:  # cancelled: what it will say belongs to nobody
            await child.end()
            child = _Child(self._cpu_s)
            raise
        finally:
            self._free.put_nowait(child)

    async def _take(self) -> "_Child":
        if self._free.empty() and self._unmade:
            self._unmade -= 1
            return _Child(self._cpu_s)
        return await self._free.get()


def is_flat(text: str) -> bool:
    """Tell whether no parser can be kept busy by `text`: it is short, and nests little.

    Brackets in quotes count as well: this is a bound and no parser.
    """
    if len(text) > _SHORT or len(_NESTS.findall(text)) > _LEVELS:
        return False
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "([{" else -1
        deepest = max(deepest, depth)
    return deepest <= _LEVELS


def heavy(catalogue: Catalogue) -> frozenset[str]:
    """Return words of names, in lower case, whose definitions a child has to read.

    Such a definition is not flat, or names one that is not: both are read along with a statement
    that names them.

    Args:
        catalogue: a target's.
    """
    texts: dict[str, list[str]] = {}
    for (_, name), one in catalogue.relations.items():
        texts.setdefault(name, []).extend((one.definition, one.filled_by, *one.evaluated))
    for (_, name), made in catalogue.types.items():
        texts.setdefault(name, []).extend(made.checks)
    for name, routines in catalogue.routines.items():
        texts.setdefault(name, []).extend(one.definition for one in routines)
    texts[ALWAYS] = [one.definition for one in catalogue.implied]
    named = {name: {word for text in one for word in _words(text)} for name, one in texts.items()}
    left = {name for name, one in texts.items() if not all(map(is_flat, one))}
    found: set[str] = set()
    while left:
        found |= {word for name in left for word in _words(name) or {ALWAYS}}
        done = {name for name in named if _words(name) <= found and name}
        left = {name for name in named.keys() - done if not found.isdisjoint(named[name])}
    return frozenset(found)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


@dataclass(slots=True)
class _Child:
    """One process; started when it is first asked."""

    cpu_s: float
    process: Process | None = None
    told: list[str] = field(default_factory=list)

    async def ask(self, statement: Statement, catalogue: Catalogue | None) -> Classification:
        """Send one question and read its answer.

        Raises:
            EOFError, OSError, ValueError: it ended, or said what nobody can read.
        """
        process = await self.started()
        question = {
            "dialect": statement.dialect,
            "text": statement.text,
            "catalogue": self._tell(catalogue),
            "version": catalogue.version if catalogue else "",
        }
        if process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise EOFError
        return _decoded(json.loads(line))

    def hang_up(self) -> None:
        """Close its input, which ends it."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    async def end(self) -> int:
        """Wait a moment for its end, or end it; return its exit code, or minus the signal."""
        process, self.process = self.process, None
        if process is None:
            return 0
        return await processes.ended(process)

    async def started(self) -> Process:
        """Return its process; start it if there is none."""
        if self.process is not None:
            return self.process
        self.process = await processes.started(_MODULE, str(self.cpu_s), str(MEMORY), limit=_LINE)
        return self.process

    def _tell(self, catalogue: Catalogue | None) -> str:
        """Return a snapshot that this child does not have yet; "" when it has."""
        if catalogue is None or catalogue.version in self.told:
            return ""
        self.told = [*self.told, catalogue.version][-KEPT:]  # as the child does
        return base64.b64encode(pickle.dumps(catalogue)).decode()


def encoded(found: Classification) -> dict[str, Any]:
    """Return a classification as JSON; the child says it, and `_decoded` reads it."""
    return {
        "effect": found.effect,
        "reasons": [
            [one.effect, one.what, one.detail, one.position, one.length] for one in found.reasons
        ],
        "kind": found.kind,
        "tables": found.tables,
        "functions": found.functions,
        "bounded": found.bounded,
        "parsers": dict(found.parsers),
        "sha256": found.sha256,
        "relations": found.relations,
        "reached": found.reached,
        "masks": found.masks
        and [found.masks.outputs, dict(found.masks.origins), found.masks.rest],
    }


def _decoded(said: dict[str, Any]) -> Classification:
    relations = said["relations"]
    return Classification(
        Effect(said["effect"]),
        tuple(
            Reason(Effect(effect), what, detail, position, length)
            for effect, what, detail, position, length in said["reasons"]
        ),
        said["kind"],
        tuple(said["tables"]),
        tuple(said["functions"]),
        bounded=said["bounded"],
        parsers=said["parsers"],
        sha256=said["sha256"],
        relations=None if relations is None else tuple(relations),
        reached=tuple(said["reached"]),
        masks=_masks(*said["masks"]) if said["masks"] else None,
    )


def _masks(outputs: list[list[str]] | None, origins: dict[str, str], rest: str) -> Masks:
    told = None if outputs is None else tuple((name, tag) for name, tag in outputs)
    return Masks(told, origins, rest)


def _unknown(statement: Statement, cpu_s: float) -> Classification:
    why = f"It keeps the parsers busy for more than {cpu_s * 1000:g} ms, or breaks them."
    digest = sha256(statement.text.encode(errors="surrogatepass")).hexdigest()
    return Classification(
        Effect.UNKNOWN, (Reason(Effect.UNKNOWN, "time limit", why),), "unknown", sha256=digest
    )
