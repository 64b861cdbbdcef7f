"""`interlock doctor --battery`: attack a confined process in every way we know."""

from collections.abc import Iterable

from interlock.cli.page import Form, show_list
from interlock.cli.plain import cut, visible
from interlock.cli.refusal import FAILED, OK
from interlock.cli.world import World, here
from interlock.confine import Reach, probe
from interlock.confine.battery import Outcome, battery

_NAME, _WIDTH = 20, 80


def try_every_attack(form: Form) -> int:
    """Try them all, print each as it ends, and return the exit code."""
    reach = probe()
    found = battery(reach.rung)
    if form.json:
        items = list(found)
        show_list([_json(one, reach) for one in items], [], form, empty="")
    else:
        items = _print(here(), reach, found)
    return OK if reach.rung and all(one.stopped for one in items) else FAILED


def _json(one: Outcome, reach: Reach) -> dict[str, object]:
    return {
        "attack": one.name,
        "tries": f"to {one.probe.tries}",
        "stopped": one.stopped,
        "how": one.how,
        "confinement": reach.rung.word,
    }


def _print(world: World, reach: Reach, found: Iterable[Outcome]) -> list[Outcome]:
    world.say(world.styled(f"Kernels are {reach.rung.word} on this machine.", "strong"))
    if reach.why:
        world.say(f"  {visible(reach.why)}", "bad")
    items = []
    for one in found:
        _print_one(world, one)
        items.append(one)
    through = [one.name for one in items if not one.stopped]
    if through:
        world.say(f"✖ {len(through):,} of {len(items):,} attacks got through.", "bad")
    else:
        world.say(f"✔ All {len(items):,} attacks were stopped.", "good")
    return items


def _print_one(world: World, one: Outcome) -> None:
    width = max(40, min(world.width, _WIDTH)) - 3
    mark, style = ("✔", "good") if one.stopped else ("✖", "bad")
    line = cut(f"{one.name:<{_NAME}} cannot {one.probe.tries}", width).rstrip()
    if not one.stopped:
        line = cut(f"{one.name:<{_NAME}} can {one.probe.tries}", width).rstrip()
    world.say(f" {world.styled(mark, style)} {visible(line)}")
    if not one.stopped:
        world.say(f"   {visible(cut(one.how, width))}")
