"""`interlock follow-ups`: what is to be done after incidents, of all of them."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from typing import Annotated

from cyclopts import Parameter

from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, field, show_list
from interlock.client import entries

NONE = 'Nothing is to be done. Write it down: interlock note INC-1 "limit the pool" --todo'
OWED = [
    *(field("id"), field("incident"), field("state"), field("owner"), field("due")),
    field("text", shrinks=True),
]


def follow_ups(
    *,
    mine: Annotated[bool, Parameter(negative="")] = False,
    open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    access: Access = USUAL,
    form: Form = PLAIN,
) -> None:
    """List what is to be done after incidents, of every one that you may read.

    Args:
        mine: only what falls to you
        open_: only what is not done
    """
    with access.connect() as gateway:
        found = gateway.send(entries.all_follow_ups(mine=mine, open_only=open_))["followups"]
    show_list(found, OWED, form, empty=NONE)
