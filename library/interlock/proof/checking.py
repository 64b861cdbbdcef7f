"""Checks what an Interlock record proves, with Python's standard library and `cryptography`.

It imports nothing of Interlock: it is the first part of every evidence bundle's `verify.py`, which
can be read, kept and run by itself.

Sources: RFC 6962 section 2.1 (the Merkle tree), C2SP signed-note and tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK = "interlock-proof/v1"
_ED25519 = 1
_HASH = 32
_COMMITMENT = b"interlock-part/v1\0"
_MOST_SIGNATURES = 16
_MOST_DIGITS = 19  # of how many events a log has


class ProofError(ValueError):
    """Something does not prove what it should; the message says what."""


# --- the tree (RFC 6962) ------------------------------------------------------------------------


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of an event's exact bytes as a leaf."""
    return hashlib.sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion path leads to (RFC 9162 section 2.1.3.2).

    Raises:
        ProofError: the path has the wrong length for this place in a tree of this size.
    """
    if not 0 <= index < size:
        raise ProofError(f"Place {index} is not in a log of {size} events.")
    at, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            raise ProofError("The path is too long.")
        if at % 2 or at == last:
            found = node_hash(beside, found)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            found = node_hash(found, beside)
        at, last = at // 2, last // 2
    if last:
        raise ProofError("The path is too short.")
    return found


def check_growth(old: "Checkpoint", new: "Checkpoint", path: Sequence[bytes]) -> None:
    """Check that the log of `new` begins with the whole log of `old` (RFC 9162, 2.1.4.2).

    Raises:
        ProofError: it does not, or the path proves nothing.
    """
    if old.origin != new.origin:
        raise ProofError(f"They are of two logs: {old.origin} and {new.origin}.")
    if old.size > new.size:
        raise ProofError(f"It has {new.size} events, fewer than the {old.size} before.")
    if old.size in (0, new.size):
        same = old.size == 0 or old.root == new.root
        if not same or path:
            raise ProofError(f"Two roots for one log of {new.size} events.")
        return
    if _grown(old, new, path) != (old.root, new.root):
        raise ProofError(f"The log of {new.size} events does not begin with that of {old.size}.")


def _grown(old: "Checkpoint", new: "Checkpoint", path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return both roots, as the path makes them."""
    steps = list(path)
    if old.size & (old.size - 1) == 0:
        steps.insert(0, old.root)
    if not steps:
        raise ProofError("The path is too short.")
    at, last = old.size - 1, new.size - 1
    while at % 2:
        at, last = at // 2, last // 2
    first = second = steps[0]
    for beside in steps[1:]:
        if last == 0:
            raise ProofError("The path is too long.")
        if at % 2 or at == last:
            first, second = node_hash(beside, first), node_hash(beside, second)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            second = node_hash(second, beside)
        at, last = at // 2, last // 2
    if last:
        raise ProofError("The path is too short.")
    return first, second


# --- signed notes and checkpoints (C2SP) --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as a log publishes it: `name+hash+base64`."""

    name: str
    hash: bytes
    public: bytes

    @property
    def id(self) -> str:
        """The key's hash, eight hexadecimal digits."""
        return self.hash.hex()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many events a log had, and the root over them."""

    origin: str
    size: int
    root: bytes


def key_hash(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature names its key."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([_ED25519]) + public).digest()[:4]


def read_key(text: str) -> Key:
    """Return the key that `text` names.

    Raises:
        ProofError: it is no Ed25519 key in that form.
    """
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    raw = unbase64(encoded)
    if not name or len(raw) != 1 + _HASH or raw[0] != _ED25519:
        raise ProofError(f"{text[:60]!r} is no log's key: name+hash+base64 of an Ed25519 key.")
    key = Key(name, key_hash(name, raw[1:]), raw[1:])
    if key.id != digest:
        raise ProofError(f"The key {text[:60]!r} does not match the hash in it.")
    return key


def read_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return a note's text, and (name, key hash and signature) of each of its signatures.

    Raises:
        ProofError: it is no signed note.
    """
    text, split, signed = note.rpartition("\n\n")
    lines = signed.split("\n")
    if not split or lines.pop() or not 0 < len(lines) <= _MOST_SIGNATURES:
        raise ProofError("This is no signed note.")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix("— ").partition(" ")
    raw = unbase64(encoded)
    if not line.startswith("— ") or not name or len(raw) <= len(b"hash"):
        raise ProofError("A line of the note is no signature.")
    return name, raw


def signers(note: str, keys: Sequence[Key]) -> list[Key]:
    """Return which of `keys` signed a note.

    Raises:
        ProofError: it is no note, or a signature of one of these keys is wrong.
    """
    text, signatures = read_note(note)
    known = {(key.name, key.hash): key for key in keys}
    found = [(known.get((name, raw[:4])), raw[4:]) for name, raw in signatures]
    for key, signature in found:
        if key is not None and not _is_signed(key.public, signature, text.encode()):
            raise ProofError(f"The signature of key {key.id} is wrong: the note was changed.")
    return [key for key, _ in found if key is not None]


def _is_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  hashes need none of it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  as above
    except ImportError as error:
        raise ProofError(
            "Signatures cannot be checked without `cryptography`: pip install cryptography"
        ) from error
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def read_checkpoint(note: str) -> Checkpoint:
    """Return what a checkpoint says; who signed it is another question.

    Raises:
        ProofError: it is no checkpoint.
    """
    lines = read_note(note)[0].split("\n")
    if len(lines) < len(("origin", "size", "root", "")):
        raise ProofError("This is no checkpoint.")
    origin, size, root = lines[0], lines[1], unbase64(lines[2])
    is_number = size.isascii() and size.isdigit() and len(size) <= _MOST_DIGITS
    if not origin or not is_number or str(int(size)) != size:
        raise ProofError("This is no checkpoint.")
    if len(root) != _HASH:
        raise ProofError("The root of a checkpoint has 32 bytes.")
    return Checkpoint(origin, int(size), root)


def unbase64(text: str) -> bytes:
    """Return the bytes that `text` stands for; ProofError if it is no base64."""
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError(f"{text[:20]!r} is no base64.") from error


# --- what a proof block holds -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is about, whether it holds, and what that says."""

    about: str
    holds: bool
    text: str


Findings = Iterator[Finding]
WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading hostile JSON raises: a `ProofError`, or what Python says of a wrong shape."""


class Bodies(dict[str, Mapping[str, Any]]):
    """Events by their exact text, each read once."""

    def __missing__(self, text: str) -> Mapping[str, Any]:
        self[text] = found = json.loads(text)
        return found  # type: ignore[no-any-return]  # what is no object raises where it is used


@dataclass(frozen=True, slots=True)
class _Block:
    """A proof block, read: whose events it is about, and what they are held against."""

    incident: str
    note: str
    checkpoint: Checkpoint
    keys: Sequence[Key]
    nodes: Sequence[bytes]
    events: Sequence[Mapping[str, Any]]
    also: Sequence[Mapping[str, Any]]
    length: int
    statement: int
    bodies: Bodies

    def included(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body of an event that stands where it says in the log, or ProofError."""
        text, index = entry["body"], int(entry["logindex"])
        path = [self.nodes[at] for at in entry["path"]]
        root = root_by_path(leaf_hash(text.encode()), index, self.checkpoint.size, path)
        if root != self.checkpoint.root:
            raise ProofError("It is not what the log holds at its place: its text was changed.")
        body = self.bodies[text]
        if int(body["logindex"]) != index:
            raise ProofError(f"It says that it stands at {body['logindex']} of the log.")
        return body

    def own(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body of an event of the incident, or ProofError."""
        body = self.included(entry)
        if str(body.get("incident", "")) != self.incident:
            raise ProofError(f"It belongs to {body.get('incident') or 'no incident'}.")
        if int(body["sequence"]) != int(entry["sequence"]):
            raise ProofError(f"It is event #{body['sequence']} of the incident.")
        return body

    def stated(self) -> None:
        """Check that the log itself says how many events the incident has, or ProofError."""
        found = [e for e in self.also if int(e["logindex"]) == self.statement]
        if not found:
            raise ProofError("Nothing in it states how many events there are.")
        body = self.included(found[0])
        said = body["data"]["of"], int(body["data"]["length"])
        if body["type"] != "log.exported" or said != (self.incident, self.length):
            raise ProofError(f"The log does not say that {self.incident} has {self.length}.")


def _read(
    block: Mapping[str, Any], incident: str, trusted: Sequence[Key], bodies: Bodies
) -> _Block:
    if block["schema"] != BLOCK:
        raise ProofError(f"This is no {BLOCK}.")
    return _Block(
        incident,
        block["checkpoint"],
        read_checkpoint(block["checkpoint"]),
        list(trusted) or [read_key(text) for text in block["keys"]],
        [unbase64(text) for text in block["nodes"]],
        block["events"],
        block["also"],
        int(block["length"]),
        int(block["statement"]),
        bodies,
    )


def block_findings(
    block: Mapping[str, Any],
    incident: str,
    trusted: Sequence[Key] = (),
    bodies: Bodies | None = None,
) -> Findings:
    """Yield what a proof block shows of an incident; see `docs/verifying.md`.

    Args:
        block: the `interlock-proof/v1` object, each of its events with its body.
        incident: whose events they must be.
        trusted: keys that the reader knows from elsewhere; none: those in the block are used.
        bodies: events that were read already.
    """
    try:
        read = _read(block, incident, trusted, Bodies() if bodies is None else bodies)
        yield _signed(read, known=bool(trusted))
    except WRONG as error:
        yield Finding("checkpoint", False, words(error))
        return
    for entry in read.events:
        try:
            read.own(entry)
        except WRONG as error:
            yield Finding(f"event #{_field(entry, 'sequence')}", False, words(error))
    for entry in read.also:
        try:
            read.included(entry)
        except WRONG as error:
            yield Finding(f"log entry {_field(entry, 'logindex')}", False, words(error))
    try:
        yield from _complete(read)
    except WRONG as error:
        yield Finding("events", False, words(error))


def _signed(read: _Block, *, known: bool) -> Finding:
    names = [key.id for key in signers(read.note, read.keys)]
    if not names:
        ids = ", ".join(key.id for key in read.keys)
        return Finding("checkpoint", False, f"None of the keys {ids} signed it.")
    whose = "which you gave" if known else "which this record itself names: compare it with yours"
    return Finding("checkpoint", True, f"Signed by key {names[0]}, {whose}.")


def _field(entry: Any, name: str) -> Any:
    return entry.get(name, "?") if isinstance(entry, Mapping) else "?"


def _complete(read: _Block) -> Findings:
    """Whether these are all events of the incident, each once and in order."""
    found = [int(entry.get("sequence", 0)) for entry in read.events]
    wanted = set(range(1, read.length + 1))
    for number in sorted(wanted - set(found)):
        yield Finding(f"event #{number}", False, "It is missing.")
    often = Counter(found)
    for number in sorted(one for one, times in often.items() if times > 1 or one not in wanted):
        yield Finding(f"event #{number}", False, f"Not one of the {read.length}, or there twice.")
    if found != sorted(found):
        yield Finding("timeline", False, "The events are not in the order of their numbers.")
    try:
        read.stated()
    except WRONG as error:
        yield Finding("length", False, words(error))
    else:
        text = f"{read.incident} had {read.length} events; the log states it."
        yield Finding("length", True, text)


def commitment(salt: bytes, content: bytes) -> str:
    """Return the salted digest by which an event's body names a part of it."""
    return "sha256:" + hashlib.sha256(_COMMITMENT + salt + content).hexdigest()


def parts_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every reference to a part in an event's data, however deep."""
    if isinstance(value, Mapping):
        if "$part" in value:
            yield value
        for item in value.values():
            yield from parts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts_in(item)


def words(error: BaseException) -> str:
    """Return what was wrong in a sentence, for a finding."""
    if isinstance(error, KeyError):
        return f"It lacks {error}."
    return str(error) or type(error).__name__
