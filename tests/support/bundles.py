"""Evidence bundles under test: taken from a gateway, opened, tampered with."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from interlock.proof.bundle_checks import bundle_findings

from support.house import Someone

Files = dict[str, bytes]


async def taken(someone: Someone, incident: str) -> bytes:
    """Return an incident's bundle as somebody gets it."""
    answer = await someone.call("GET", f"/v1/incidents/{incident}/bundle")
    assert answer.status_code == 200, answer.text
    return answer.content


def unpacked(content: bytes) -> Files:
    """Return the files in a bundle."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def wrong(files: Files) -> list[str]:
    """Return what does not hold in a bundle, a line for each finding."""
    return [f"{one.about}: {one.text}" for one in bundle_findings(files) if not one.holds]


def lines_of(files: Files) -> list[str]:
    """Return the events of a bundle, as text."""
    return files["timeline.jsonl"].decode().splitlines()


def with_lines(files: Files, lines: list[str]) -> Files:
    """Return a bundle with these events in place of its own."""
    return {**files, "timeline.jsonl": "".join(f"{line}\n" for line in lines).encode()}


def with_json(files: Files, name: str, change: Callable[[Any], None]) -> Files:
    """Return a bundle in which one of its JSON files was changed."""
    value = json.loads(files[name])
    change(value)
    return {**files, name: json.dumps(value).encode() + b"\n"}
