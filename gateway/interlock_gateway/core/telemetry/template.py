"""Templates of `line_format` and `label_format`: fields and functions that make nothing longer.

A template runs on the target for each line. Go's templates can repeat, pad and loop, and a few of
those in a row fill a server's memory, so only what is listed here is sent. What it may add up to
is bounded too: two stages that each write a label ten times make it a hundred times as long.
"""

import re

MOST_GROWTH = 64
"""How many times as long as the line all templates of one query may make it."""

_FUNCTIONS = """
    ToLower ToUpper Trim TrimLeft TrimRight TrimPrefix TrimSuffix TrimSpace
    lower upper title trunc substr trim trimAll trimPrefix trimSuffix
    contains hasPrefix hasSuffix eq len default
    add sub mul div mod addf subf mulf divf ceil floor round max min maxf minf int float64
    bytes duration duration_seconds unixEpoch unixEpochMillis unixEpochNanos
"""

FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Functions of Loki's templates that are understood; each gives at most what it is given."""

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_WORD = re.compile(
    r"\s*(?:(?P<field>\.[A-Za-z_][A-Za-z0-9_]*|__line__|__timestamp__)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r'|(?P<given>"[^"\\]*"|`[^`]*`|-?[0-9]{1,18}(?:\.[0-9]{1,9})?)'
    r"|(?P<pipe>\|))(?=\s|\||$)"
)


class TemplateError(ValueError):
    """The template is not understood; the message says what of it."""


def growth(template: str) -> int:
    """Return how many times a label or the line stands in `template`, at least 1.

    Raises:
        TemplateError: something in it is neither text nor a known function of fields.
    """
    actions = _ACTION.findall(template)
    rest = _ACTION.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise TemplateError("In the template, `{{` and `}}` do not pair.")
    return max(1, sum(_fields(action) for action in actions))


def _fields(action: str) -> int:
    """Return how many fields an action reads, once it is fields, functions and what they take."""
    commands = _commands(action)
    for place, kinds in enumerate(commands):
        if not kinds or (kinds[0] != "name" and (place or len(kinds) > 1)):
            raise TemplateError(f"In the template, `{action[:40]}` is not understood.")
        if "name" in kinds[1:]:
            raise TemplateError(f"In the template, `{action[:40]}` is not understood.")
    return sum(kinds.count("field") for kinds in commands)


def _commands(action: str) -> list[list[str]]:
    """Return the kinds of an action's words, one list for each part between pipes."""
    found: list[list[str]] = [[]]
    at = 0
    while at < len(action):
        match = _WORD.match(action, at)
        if match is None:
            raise TemplateError(f"In the template, `{action[at : at + 40]}` is not understood.")
        if match["name"] and match["name"] not in FUNCTIONS:
            raise TemplateError(f"In the template, `{match['name'][:40]}` is not known here.")
        if match["pipe"]:
            found.append([])
        else:
            found[-1].append(match.lastgroup or "")
        at = match.end()
    return found
