"""`interlock slack`: which accounts in Slack are whose, and ending that."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from cyclopts import App

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, field, show_list
from interlock.cli.plain import flat
from interlock.cli.world import here

app = App(name="slack", help="See whose accounts in Slack are whose, and unlink one.")

NONE = "No account in Slack is linked to you. Get a code at {url}/slack and type it in Slack."
_COLUMNS = [field("person"), field("account"), field("how", shrinks=True)]


@app.default
def slack(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """See whose accounts in Slack are whose; alone, lists links."""
    links(access=access, form=form)


@app.command
def links(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """List your accounts in Slack; with the stewards' role, everybody's.

    `how` says where a link comes from: the gateway's settings, a code that its person typed in
    Slack, or a verified e-mail address.
    """
    with access.connect() as gateway:
        found = gateway.send(client.links())
    empty = NONE.format(url=access.credential().url)
    shown = [link | {"how": _HOW.get(link["how"], link["how"])} for link in found["links"]]
    items = found["links"] if form.json else shown
    show_list(items, _COLUMNS, form, empty="Nobody is linked." if found["everybodys"] else empty)


@app.command
def unlink(account: str, /, *, access: Access = USUAL) -> None:
    """End a link: yours; with the stewards' role, anybody's. Its votes so far stay.

    Args:
        account: as Slack names it, `U…`; `interlock slack links` lists them
    """
    with access.connect() as gateway:
        ended = gateway.send(client.unlink(account))["unlinked"]
    said = f"{flat(ended['account'])} is not {flat(ended['person'])}'s any more"
    here().say(f"✔ {said}; what it votes from now on does not count.", "good")


_HOW = {"email": "e-mail address"}
