"""What the SQL guard explains, on a terminal: each reason at its place in the statement."""

import textwrap

from interlock.cli.page import Column, Form, Json, show_one
from interlock.cli.plain import flat, visible
from interlock.cli.world import here

_INDENT = "  "


def show_explanation(found: Json) -> None:
    """Print what the gateway, or the classifier alone, says of a statement."""
    world, effect = here(), str(found["effect"])
    if effect == "read" and found["forbidden"]:
        names = flat(", ".join(found["forbidden"]))
        world.say(f"{world.styled('✖', 'bad')} read, but {names} may not be read there.")
    elif effect == "read":
        as_far = ", given what is assumed below" if found["assumed"] else ""
        world.say(f"{world.styled('✔', 'good')} read: it provably changes nothing{as_far}.")
    else:
        world.say(f"{world.styled('✖', 'bad')} {flat(effect)}: not a proven read.")
    for reason in found["reasons"]:
        _show_reason(reason, effect)
    if found["more_reasons"]:
        world.say(f"{_INDENT}… and {found['more_reasons']:,} more reasons")
    world.say()
    show_one(found, _FACTS, Form())


def _show_reason(reason: Json, effect: str) -> None:
    """Print one reason; its effect is said where it is not the statement's own."""
    world = here()
    said = "" if reason["effect"] == effect else f"{reason['effect']}: "
    words = f"{said}{_told(reason)}"
    room = max(30, world.width - len(_INDENT))
    for line in textwrap.wrap(flat(words), room, break_on_hyphens=False):
        world.say(_INDENT + line)
    for line in visible(reason["excerpt"]).splitlines():
        world.say(_INDENT + line)


def _told(reason: Json) -> str:
    """Return a reason in words; a name that stands in them, or that nobody wrote, is left out."""
    what, detail = str(reason["what"]), str(reason["detail"])
    named = what.startswith("node ") or what.rpartition(" ")[2] in detail
    return detail if named else f"{what}: {detail}"


def _relations(found: Json) -> object:
    """Return the relations as the catalogue knows them, where it differs from what is written."""
    known = found["relations"]
    return [] if known in (None, found["tables"]) else known


def _rows(found: Json) -> str:
    if found["kind"] == "unknown":
        return ""
    return "bounded by the text" if found["bounded"] else "as many as there are, up to the limit"


_FACTS = [
    Column("target", lambda found: found["target"]),
    Column("dialect", lambda found: found["dialect"]),
    Column("kind", lambda found: found["kind"]),
    Column("tables", lambda found: found["tables"]),
    Column("there", _relations),
    Column("forbidden", lambda found: found["forbidden"]),
    Column("masked", lambda found: found["masked"]),
    Column("functions", lambda found: found["functions"]),
    Column("rows", _rows),
    Column("agreed", lambda found: found["parsers"]),
    Column("sha256", lambda found: found["sha256"]),
    Column("assumed", lambda found: " ".join(found["assumed"])),
    Column("next", lambda found: found["next"]),
]
