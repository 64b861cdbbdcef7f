"""What an exported page carries to be checked by: the proof, and digests of what it shows.

A page cannot vouch for itself: whoever can change it can change its script too. So it says what
to compare with, and `interlock verify` checks it with nothing of the page but its text.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.errors import UsageError
from interlock.export.html_parts import section
from interlock.export.markup import Html, flag, tag
from interlock.export.text import count
from interlock.proof import ProofError, read_checkpoint, read_key

_CHANGING = (
    ("<details open>", "<details>"),
    ("<details open ", "<details "),
    ('<div hidden id="tools"', '<div id="tools"'),
)
"""What a reader's clicks, or the script, change in a page; text never holds a raw `<`."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A proof block that a page carries, with what a reader compares.

    Attributes:
        block: the `interlock-proof/v1` object.
        origin, size, root: what its checkpoint says.
        keys: the ids of the keys it names.
    """

    block: Mapping[str, Any]
    origin: str
    size: int
    root: str
    keys: tuple[str, ...]


def carried(block: Mapping[str, Any]) -> Carried:
    """Return a proof block, read as far as a page shows it.

    Raises:
        UsageError: it is no such block; a page would carry something that proves nothing.
    """
    try:
        checkpoint = read_checkpoint(block["checkpoint"])
        keys = tuple(f"{key.name} {key.id}" for key in map(read_key, block["keys"]))
    except (ProofError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"This proof cannot stand in a page: {error}",
            code="bad-request",
            help="Export again; if it happens again, the log's checkpoint is broken: "
            "run `interlock verify`.",
        ) from error
    root = base64.b64encode(checkpoint.root).decode()
    return Carried(block, checkpoint.origin, checkpoint.size, root, keys)


# --- digests of what is shown ------------------------------------------------------------------


def unit_digest(source: str) -> str:
    """Return the digest of a part of the page as shown, whatever is folded or hidden."""
    shown = source
    for written, meant in _CHANGING:
        shown = shown.replace(written, meant)
    return base64.b64encode(hashlib.sha256(shown.encode()).digest()).decode()


def digest_of(units: Iterable[str]) -> str:
    """Return one digest over those of all parts of a page, in order."""
    return "sha256:" + hashlib.sha256("\n".join(units).encode()).hexdigest()


# --- what is seen ------------------------------------------------------------------------------


def proof_html(proof: Carried | None) -> Html:
    """Return the section that says what proves this page, and what does not."""
    if proof is None:
        return section("proof", "Proof", tag("p", _NONE))
    facts = [
        ("Log", proof.origin),
        ("Events in the log", f"{proof.size:,}"),
        ("Root", proof.root),
        ("Key", ", ".join(proof.keys) or "none"),
    ]
    listed = [[tag("dt", k), tag("dd", tag("code", v))] for k, v in facts]
    number = count(len(proof.block.get("events", ())), "event")
    return section(
        "proof",
        "Proof",
        tag("p", f"This page carries {number} as recorded, and for each the path to the root "
            "that the log's checkpoint signs. ", _COMPARE),
        tag("dl", listed, class_="facts"),
        tag("p", "The keys in this page prove nothing by themselves. ", _TRUST,
            tag("code", "interlock verify FILE"), "."),
        _check(),
    )  # fmt: skip


_NONE = (
    "This page carries no proof: it shows what the timeline said when it was exported, and "
    "whoever can change the file can change what it says. To check it, ask for an export with a "
    "proof, or for an evidence bundle."
)
_COMPARE = "Compare root and key with what the anchors outside the store show."
_TRUST = (
    "Nor does the button below: whoever can change the page can change it too. It finds what "
    "was changed by accident or in the text alone. To be sure, use a key from elsewhere and "
)


def _check() -> Html:
    label = "A key or a checkpoint that you know from elsewhere (an anchor), if you have one"
    return flag(
        "div", "hidden",
        tag("label", label, for_="trusted"),
        tag("textarea", id="trusted", rows="3", spellcheck="false", autocomplete="off"),
        tag("button", "Verify this page", type="button", id="verify"),
        tag("div", id="verdict", role="status"),
        id="check",
    )  # fmt: skip


# --- what the script reads ---------------------------------------------------------------------


def read_block(page: str, name: str) -> Any:
    """Return one of the blocks of data that an exported page carries.

    Raises:
        ValueError: it carries none, more than one, or one that is no JSON.
    """
    found = re.findall(rf'<script type="application/json" id="{name}">([^<]*)</script>', page)
    if len(found) != 1:
        raise ValueError(f"The page carries {len(found)} blocks named {name}, not one.")
    return json.loads(found[0])
