"""`interlock log`: where the log over all events stands, and its keys."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from cyclopts import App

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, field, show_one
from interlock.cli.plain import flat
from interlock.cli.world import here

app = App(name="log", help="See how far the record is signed and anchored, and change its key.")

_ANCHORLESS = (
    "It is anchored nowhere: whoever holds the store and its key could write another one. "
    "Set log.anchor in interlock.toml."
)
_FIELDS = [
    field("origin"),
    field("events", key="size"),
    field("signed at", key="signed_at"),
    field("key"),
    field("anchors", shrinks=True),
    field("clocks", shrinks=True),
]


@app.default
def status(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """See the log's size, its newest checkpoint, its key, and how far each anchor goes."""
    with access.connect() as gateway:
        found = gateway.send(client.log_status())
    if form.json:
        show_one(found, [], form)
        return
    keys = [one["key"] for one in found["keys"]]
    told = [_anchor(one) for one in found["anchors"]]
    clocks = "; ".join(map(_clock, found["clocks"]))
    shown = {**found, "key": keys[-1], "anchors": "; ".join(told), "clocks": clocks}
    show_one(shown, _FIELDS, form)
    if not any(one["size"] for one in found["anchors"]):
        here().hint(_ANCHORLESS)
    here().hint("  next  interlock verify --log", "dim")


@app.command(name="rotate-key")
def rotate_key(reason: str, /, *, access: Access = USUAL) -> None:
    """Have the log signed by a new key; both sign the checkpoint in between.

    Args:
        reason: why; goes on the record
    """
    with access.connect() as gateway:
        made = gateway.send(client.rotate_log_key(reason))
    here().say(f"✔ Key {flat(made['id'])} signs from event {made['since']} on.", "good")
    here().say(f"  publish it: {flat(made['key'])}")


def _anchor(found: Json) -> str:
    if found["trouble"]:
        return f"{found['anchor']}: ✖ {found['trouble']}"
    if not found["size"]:
        return f"{found['anchor']}: nothing yet"
    where = f" ({found['receipt']})" if found["receipt"] else ""
    return f"{found['anchor']}: up to event {found['size']} at {found['at']}{where}"


def _clock(found: Json) -> str:
    sign = "✖ " if found["off"] else ""
    return f"{sign}{found['source']} {found['offset_s']:+.3f} s ± {found['uncertainty_s']:.3f}"
