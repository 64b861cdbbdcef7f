"""`interlock doctor`: prove each target's engine lock, from where the gateway's configuration is.

The gateway alone holds credentials, so its own program does the work, in a process of its own. It
needs no gateway that runs and disturbs none: it writes to no store and listens nowhere. A drill
is the exception: it asks people, so the running gateway does that.
"""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

import json
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

from interlock.cli import child
from interlock.cli.battery import try_every_attack
from interlock.cli.drill import Practice, practise
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, show_list
from interlock.cli.plain import cut, visible
from interlock.cli.refusal import FAILED, OK, USAGE
from interlock.cli.world import World, here
from interlock.errors import InterlockError, UsageError

Json = dict[str, Any]

_MARKS = {
    "holds": ("✔", "good"),
    "fails": ("✖", "bad"),
    "noted": ("–", "dim"),  # noqa: RUF001  a mark that is neither of the other two
}
_WIDTH = 80
_NAME = 26
"""Columns that the name of a check takes, so that what was said stands in a line."""

_EMPTY = (
    "There is no target yet. Add one to {policies}/targets.toml:\n"
    "  [target.jobs]\n"
    '  dialect = "sqlite"\n'
    '  tier = "production"\n'
    '  read = "path:jobs.db"'
)


def doctor(  # noqa: PLR0913  one option each
    rule: str = "",
    /,
    *,
    config: Path | None = None,
    target: str = "",
    sql: Annotated[bool, Parameter(negative="")] = False,
    drill: Annotated[bool, Parameter(negative="")] = False,
    battery: Annotated[bool, Parameter(negative="")] = False,
    commander: str = "",
    minutes: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=60))] = 10,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> int:
    """Prove each target's lock, and that secrets are masked; nothing is harmed or posted.

    Run it where the gateway runs, with the gateway's environment. The exit code is 1 if a check
    fails. `--drill` speaks to the running gateway instead: it asks the approvers of each rule to
    approve something that has no target, the real way, and reports who did; the exit code is 0
    only if every rule reached its quorum. `--battery` needs no gateway and harms nothing.

    Args:
        rule: with --drill, practise this approval rule alone
        config: the gateway's interlock.toml [default: the one in the home]
        target: this target alone; `slack` or `masking` for what is checked of those
        sql: print the statements that create right-sized logins; nothing is run
        battery: try every attack that we know from a confined process on this machine
        drill: ask approvers to show that they can approve; it needs the stewards' role
        commander: with --drill, who leads it, for rules that need a commander
        minutes: with --drill, how long approvers have
        form: how results are printed
    """
    if battery:
        return try_every_attack(form)
    if drill:
        with access.connect() as gateway:
            return practise(gateway, Practice(rule, commander, minutes), form)
    if rule or commander:
        raise UsageError("A rule or a commander is for a drill.", help="Add --drill.")
    world = here()
    settings = world.cwd / config if config else access.folder() / "interlock.toml"
    words = [*(["--target", target] if target else []), *(["--sql"] if sql else [])]
    found = _told(child.command(settings, "doctor", *words))
    if form.json:
        items = list(found)
        show_list(items, [], form, empty="")
        return _exit_code(items)
    return _print_sql(world, found) if sql else _print_checks(world, found, settings)


def _told(words: list[str]) -> Iterator[Json]:
    """Yield what the gateway's program says, as soon as it says it.

    Raises:
        UsageError, InterlockError: it says that it cannot do it.
    """
    with subprocess.Popen(  # noqa: S603  our own command, no shell
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        failed = False
        for line in process.stdout or ():
            item: Json = json.loads(line)
            failed = failed or item.get("outcome") == "fails"
            yield item
        said = process.stderr.read().strip() if process.stderr else ""
        code = process.wait()
    if code == USAGE:
        raise UsageError(said, help="Name one of these, or none for all.")
    if code and not failed:
        raise InterlockError(said or f"It ended by itself ({code}).", help="Mend what it names.")


def _exit_code(items: Iterable[Json]) -> int:
    return FAILED if any(item.get("outcome") == "fails" for item in items) else OK


# --- checks -------------------------------------------------------------------------------------


def _print_checks(world: World, found: Iterable[Json], settings: Path) -> int:
    """Print checks as they come, below their target; the last line sums up."""
    items: list[Json] = []
    for item in found:
        if not items or items[-1]["target"] != item["target"]:
            world.say(world.styled(visible(item["target"]), "strong"))
        _print_check(world, item)
        items.append(item)
    if not items:
        world.hint(_EMPTY.format(policies=settings.parent / "policies"))
        return OK
    failed = sum(item["outcome"] == "fails" for item in items)
    targets = {item["target"] for item in items}
    if failed:
        world.say(f"✖ {failed:,} of {len(items):,} checks failed; each says what to do.", "bad")
    else:
        world.say(f"✔ All locks hold: {len(items):,} checks, targets: {len(targets):,}.", "good")
    return FAILED if failed else OK


def _print_check(world: World, item: Json) -> None:
    """Print one line; of what failed or is only noted, more lines with all of it."""
    mark, style = _MARKS[item["outcome"]]
    width = max(40, min(world.width, _WIDTH))
    line = f"{item['check']:<{_NAME}} {item['said']}"
    more = item["outcome"] != "holds" and len(line) > width - 3
    shown = item["check"] if more else cut(line, width - 3).rstrip()
    world.say(f" {world.styled(mark, style)} {visible(shown)}")
    if item["outcome"] == "fails":
        _print_more(world, "tried", item["tried"], width)
    if more:
        _print_more(world, "said", item["said"], width)
    _print_more(world, "next", item["next"], width)


def _print_more(world: World, label: str, text: str, width: int) -> None:
    """Print wrapped text after a label, nothing for no text."""
    lines = textwrap.wrap(visible(text), width - 11, break_on_hyphens=False)
    for number, line in enumerate(lines):
        shown = "" if number else label
        world.say(f"     {world.styled(f'{shown:<5}', 'dim')} {line}")


# --- statements ---------------------------------------------------------------------------------


def _print_sql(world: World, found: Iterable[Json]) -> int:
    """Print statements that psql and mysql take, with what is no statement behind `--`."""
    for item in found:
        if not item["statements"]:
            why = item["password"] or "a file has no logins; who may open it may read it"
            world.say(f"-- {item['target']}: {why}.\n")
            continue
        world.say(f"-- {item['target']}: {item['login']}, which enters {item['database']}.")
        world.say("-- If the login is there already, leave out the first statement.")
        for statement in item["statements"]:
            world.say(f"{visible(statement)};")
        world.say(f"-- Its password: {item['password']}")
        world.say(f"-- Then put its address where {item['credential']} says.\n")
    return OK
