"""Checks a whole log, event by event, as the gateway delivers it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlock.proof.bundle_checks import notes_in
from interlock.proof.checking import (
    WRONG,
    Checkpoint,
    Finding,
    Findings,
    Key,
    ProofError,
    leaf_hash,
    read_checkpoint,
    signers,
)
from interlock.proof.tree import Frontier


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event of any incident: its place, its exact body, and the leaf stored for it."""

    logindex: int
    body: bytes
    leaf: bytes


def log_findings(
    entries: Iterable[LogEntry], newest: str, keys: Sequence[Key], outside: str | None = None
) -> Findings:
    """Yield what is found in a whole log; memory is bounded whatever its length.

    Args:
        entries: every event, in the order of the log.
        newest: the log's newest checkpoint.
        keys: what may sign it.
        outside: text in which checkpoints stand that were kept outside the store.
    """
    held = [("checkpoint", newest), *(("", note) for note in notes_in(outside or ""))]
    wanted = {read_checkpoint(note).size for _, note in held}
    frontier, roots = Frontier(), {0: Frontier().root}
    numbers: dict[str, int] = {}
    for entry in entries:
        yield from _entry(entry, frontier.size, numbers)
        frontier.push(leaf_hash(entry.body))
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root
    for about, note in held:
        yield _held(about, note, keys, roots, frontier.size)
    if outside is None:
        text = "Not compared. Give --anchor: without it, the key's holder could show another log."
        yield Finding("anchors", True, text)
    elif len(held) == 1:
        yield Finding("anchors", False, "There is no checkpoint in what you gave.")


def _entry(entry: LogEntry, place: int, numbers: dict[str, int]) -> Findings:
    """Whether one event stands where it should and is what its leaf says."""
    about = f"event {place} of the log"
    if entry.logindex != place:
        yield Finding(about, False, f"In its place stands event {entry.logindex}.")
    if leaf_hash(entry.body) != entry.leaf:
        yield Finding(about, False, "It is not what was put into the tree: it was changed.")
    try:
        body = json.loads(entry.body)
        incident, sequence = str(body.get("incident", "")), int(body["sequence"])
    except WRONG:
        yield Finding(about, False, "It cannot be read.")
        return
    if sequence != numbers.get(incident, 0) + 1:
        named = f"#{sequence} of {incident}" if incident else f"#{sequence} of no incident"
        yield Finding(about, False, f"It is {named}, after #{numbers.get(incident, 0)}.")
    numbers[incident] = sequence


def _held(
    about: str, note: str, keys: Sequence[Key], roots: dict[int, bytes], size: int
) -> Finding:
    said = read_checkpoint(note)
    about = about or f"anchor of {said.size} events"
    try:
        signed = signers(note, keys)
    except ProofError as error:
        return Finding(about, False, str(error))
    if not signed:
        return Finding(about, False, "None of the log's keys signed it.")
    return _compared(about, said, signed[0], roots, size)


def _compared(
    about: str, said: Checkpoint, key: Key, roots: dict[int, bytes], size: int
) -> Finding:
    if said.size > size:
        text = f"It is of {said.size} events and the log has {size}: its end was cut off."
        return Finding(about, False, text)
    if roots[said.size] != said.root:
        text = f"The first {said.size} events are not those that it was signed for."
        return Finding(about, False, text)
    return Finding(
        about, True, f"The first {said.size} events are those that key {key.id} signed."
    )
