"""`interlock demo`: one incident from its first alarm to its postmortem, all of it real.

stage    what the demo stands on: a gateway, people with credentials, a temporary folder
orders   the database with the fault in it, or the read-only stand-in without PostgreSQL
scenes   what happens, a function each, in order
voice    how it is told
colleague  the second person, who reads the prompt and approves through the API
chat     a pretend Slack, in which that person may be asked instead
"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from interlock.cli.ending import Ending
from interlock.cli.refusal import INTERRUPTED
from interlock.cli.world import here


def demo(
    *,
    interactive: Annotated[bool, Parameter(negative="")] = False,
    slack: Annotated[bool, Parameter(negative="")] = False,
    keep: Annotated[bool, Parameter(negative="")] = False,
    folder: Path = Path("interlock-demo"),
) -> int:
    """Show the whole story on this machine, in under a minute.

    A database with a real fault, a gateway, two people: you find the fault with a runbook, your
    colleague approves ending it, and the timeline is written up. Nothing outside the folder is
    touched and everything that was started is stopped again.

    Args:
        interactive: you play the colleague, in the browser
        slack: the colleague is asked in a pretend Slack on this machine, which is a page to open
        keep: leave it all running at the end, to look around; Ctrl-C ends it
        folder: where the exports go
    """
    from interlock.cli.demo.scenes import play  # noqa: PLC0415  --help needs none of it
    from interlock.cli.demo.stage import Wishes  # noqa: PLC0415  verbs load only what they use

    world = here()
    wishes = Wishes(world.cwd / folder, interactive=interactive, keep=keep, slack=slack)
    try:
        with Ending() as ending:
            return play(world, wishes, ending)
    except KeyboardInterrupt:
        world.say("\nStopped; everything that was started is stopped and removed.")
        return INTERRUPTED
