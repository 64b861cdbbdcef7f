"""Checks an evidence bundle: every file, every event, every part of it, and what anchors say.

With `checking` before it, this is the `verify.py` in the bundle itself.
"""

import argparse
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from interlock.proof.checking import (
    WRONG,
    Bodies,
    Finding,
    Findings,
    Key,
    ProofError,
    block_findings,
    check_growth,
    commitment,
    parts_in,
    read_checkpoint,
    read_key,
    signers,
    unbase64,
    words,
)

BUNDLE = "interlock-bundle/v1"
_MOST_BYTES = 2 * 1024**3
_NOTE = re.compile(
    r"^[^\n]+\n[0-9]+\n[A-Za-z0-9+/=]{44}\n(?:[^\n]+\n)*\n(?:— \S+ \S+\n?)+", re.MULTILINE
)

Files = Mapping[str, bytes]


def files_of(path: Path) -> dict[str, bytes]:
    """Return the files of a bundle, which is a zip file or a folder.

    Raises:
        ProofError: it is neither, is damaged, or unpacks to more than 2 GiB.
    """
    if path.is_dir():
        found = [each for each in sorted(path.rglob("*")) if each.is_file()]
        _bounded(each.stat().st_size for each in found)
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in found}
    try:
        return _unpacked(path)
    except ProofError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        raise ProofError(f"It cannot be read as a bundle: {kind}{error}") from error


def _unpacked(path: Path) -> dict[str, bytes]:
    """Return the files of a zip; a damaged one raises whatever its decoders raise."""
    with zipfile.ZipFile(path) as packed:
        names = [info.filename for info in packed.infolist()]
        _bounded(info.file_size for info in packed.infolist())
        if len(set(names)) != len(names):
            raise ProofError("It holds two files of one name.")
        return {name: packed.read(name) for name in names}


def _bounded(sizes: Iterable[int]) -> None:
    if sum(sizes) > _MOST_BYTES:
        raise ProofError("It unpacks to more than 2 GiB.")


def bundle_findings(
    files: Files, trusted: Sequence[Key] = (), outside: str | None = None
) -> Findings:
    """Yield what is found in a bundle; one that does not hold is named as exactly as can be.

    Args:
        files: name → content.
        trusted: keys that the reader knows from elsewhere.
        outside: text in which checkpoints stand that were kept outside the store; None for none.
    """
    try:
        manifest, block = _json(files, "manifest.json"), _json(files, "log.json")
        if manifest["schema"] != BUNDLE:
            raise ProofError(f"This is no {BUNDLE}.")
        incident = str(manifest["incident"])
        keys = list(trusted) or [read_key(text) for text in block["keys"]]
        bodies, lines = Bodies(), _lines(files, "timeline.jsonl")
        also: Sequence[Mapping[str, Any]] = block["also"]
        whole = {**block, "events": list(_with_bodies(block["events"], lines, bodies))}
    except WRONG as error:
        yield Finding("bundle", False, words(error))
        return
    yield from _whatever("manifest.json", _manifest(files, manifest, keys))
    yield from _whatever("log.json", block_findings(whole, incident, trusted, bodies))
    texts = chain(lines, (one["body"] for one in also))
    yield from _whatever("parts.jsonl", _parts(files, manifest, texts, bodies))
    yield from _whatever("keys", _rotations(block, trusted))
    yield from _whatever("anchors", anchor_findings(block, keys, outside))


def _whatever(about: str, findings: Findings) -> Findings:
    """Yield findings; what cannot even be read is one of them, and ends these alone."""
    try:
        yield from findings
    except WRONG as error:
        yield Finding(about, False, words(error))


def _json(files: Files, name: str) -> Any:
    if name not in files:
        raise ProofError(f"{name} is missing.")
    return json.loads(files[name])


def _lines(files: Files, name: str) -> list[str]:
    if name not in files:
        raise ProofError(f"{name} is missing.")
    lines = files[name].decode().split("\n")
    if lines.pop():
        raise ProofError(f"{name} does not end with a line break: it was cut.")
    return lines


def _with_bodies(
    events: Sequence[Mapping[str, Any]], lines: Sequence[str], bodies: Bodies
) -> Iterator[dict[str, Any]]:
    """Yield each line of the timeline with the place that the log gives it, by its sequence."""
    known = {int(event["sequence"]): event for event in events}
    for line in lines:
        try:
            place = known[int(bodies[line]["sequence"])]
        except WRONG:
            place = {"sequence": 0, "logindex": -1, "path": []}
        yield {**place, "body": line}


def _manifest(files: Files, manifest: Mapping[str, Any], keys: Sequence[Key]) -> Findings:
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    wanted = f"{BUNDLE}\n{manifest['incident']}\n{digest}\n"
    try:
        note = files["manifest.note"].decode()
        if not note.startswith(wanted + "\n"):
            raise ProofError("It was signed for another manifest.")
        if not signers(note, keys):
            raise ProofError("None of the log's keys signed it.")
    except WRONG as error:
        yield Finding("manifest.json", False, words(error))
    else:
        yield Finding("manifest.json", True, f"Signed; it lists {len(manifest['files'])} files.")
    listed = manifest["files"]
    for name in sorted({*files, *listed} - {"manifest.json", "manifest.note"}):
        if name not in files:
            yield Finding(name, False, "The file is missing.")
        elif name not in listed:
            yield Finding(name, False, "The manifest does not list this file: it was added.")
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]["sha256"]:
            yield Finding(name, False, "The file is not what the manifest lists: it was changed.")


def _parts(
    files: Files, manifest: Mapping[str, Any], texts: Iterable[str], bodies: Bodies
) -> Findings:
    """Whether what stands outside the bodies is what they commit to."""
    known = {str(part["id"]): part for part in map(json.loads, _lines(files, "parts.jsonl"))}
    for text in texts:
        try:
            event = bodies[text]
            named = list(_named_parts(event["data"]))
            about = f"event #{event['sequence']}"
        except WRONG:
            continue  # the event itself was found to be wrong
        for name, part in named:
            if wrong := _part(files, known, manifest["left_out"], part):
                yield Finding(f"{about}, {name}", False, wrong)


def _named_parts(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in data.items():
        for part in parts_in(value):
            yield name, part


def _part(
    files: Files, known: Mapping[str, Any], left: Mapping[str, str], part: Mapping[str, Any]
) -> str:
    """Return what is wrong with one part; "" where nothing is."""
    name = str(part["$part"])
    found = known.get(name)
    if found is None:
        return "" if name in left else "It is missing, and nothing says why."
    content = _content(files, found)
    if content is None:
        return f"Its file {found['file']} is missing."
    if commitment(unbase64(found["salt"]), content) != part["commitment"]:
        return "It is not what the event commits to: it was changed or swapped."
    return ""


def _content(files: Files, part: Mapping[str, Any]) -> bytes | None:
    """Return what a part holds: text, other bytes, or a file of its own."""
    if "file" in part:
        return files.get(str(part["file"]))
    return str(part["text"]).encode() if "text" in part else unbase64(part["base64"])


def _rotations(block: Mapping[str, Any], trusted: Sequence[Key]) -> Findings:
    """Whether each key was signed for by the one before it, back to one that the reader knows."""
    keys = [read_key(text) for text in block["keys"]]
    if len(block["rotations"]) != len(keys) - 1:
        raise ProofError("Not every key after the first has a checkpoint that it began with.")
    for before, after, note in zip(keys, keys[1:], block["rotations"], strict=False):
        if not {before, after} <= set(signers(note, [before, after])):
            yield Finding("keys", False, f"Key {before.id} did not sign for key {after.id}.")
            return
    if trusted and not set(trusted) & set(keys):
        yield Finding("keys", False, f"It names key {keys[0].id}, which is not the one you gave.")
    elif len(keys) > 1:
        yield Finding("keys", True, f"{len(keys)} keys, each signed for by the one before it.")


def anchor_findings(
    block: Mapping[str, Any], keys: Sequence[Key], outside: str | None
) -> Findings:
    """Whether the log of this bundle goes on from checkpoints that stand elsewhere."""
    if outside is None:
        text = "Not compared. Give --anchor: without it, the key's holder could show another log."
        yield Finding("anchors", True, text)
        return
    compared = 0
    for note in notes_in(outside):
        about = "anchor"
        try:
            size = read_checkpoint(note).size
            about = f"anchor of {size} events"
            path = _path_from(block, size)
            if path is None:
                continue
            compared += 1
            if not signers(note, keys):
                raise ProofError("None of the log's keys signed it.")
            check_growth(read_checkpoint(note), read_checkpoint(block["checkpoint"]), path)
        except WRONG as error:
            yield Finding(about, False, words(error))
        else:
            yield Finding(about, True, "The log of this bundle goes on from it.")
    if not compared:
        text = "None of the checkpoints there can be compared: the bundle has no path from them."
        yield Finding("anchors", False, text)


def _path_from(block: Mapping[str, Any], size: int) -> list[bytes] | None:
    """Return the path from a log of that size to that of the bundle; None where it has none."""
    if size == read_checkpoint(block["checkpoint"]).size:
        return []
    path = next((one["path"] for one in block["growth"] if int(one["size"]) == size), None)
    return None if path is None else [unbase64(text) for text in path]


def notes_in(text: str) -> list[str]:
    """Return the checkpoints in a text: an anchor's file of JSON lines, or what was copied."""
    lines = []
    for line in text.split("\n"):
        try:
            lines.append(str(json.loads(line)["note"]))
        except WRONG:
            lines.append(line)
    return _NOTE.findall("\n".join(lines) + "\n")


def _shown(text: str) -> str:
    """Return a text in which nothing steers a terminal: what is no print is spelled out."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle and say what was found; 0 when everything holds, 1 when not, 2 on misuse."""
    parser = argparse.ArgumentParser(description="Check an Interlock evidence bundle.")
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--key", action="append", default=[], help="a key of the log's, as known")
    parser.add_argument("--anchor", type=Path, help="a file with checkpoints kept elsewhere")
    given = parser.parse_args(arguments)
    try:
        trusted = [read_key(text) for text in given.key]
        outside = given.anchor.read_text("utf-8") if given.anchor else None
        found = list(bundle_findings(files_of(given.bundle), trusted, outside))
    except (ValueError, OSError) as error:
        print(f"✖ {_shown(str(error))}", file=sys.stderr)  # noqa: T201  this is what it is for
        return 2
    for finding in found:
        sign, said = "✔" if finding.holds else "✖", f"{finding.about}: {finding.text}"
        print(f"{sign} {_shown(said)}")  # noqa: T201  as above
    wrong = sum(not finding.holds for finding in found)
    print(f"✖ {wrong} of it does not hold." if wrong else "✔ Everything in it holds.")  # noqa: T201  as above
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
