"""Logging in, and who one is."""
# ruff: noqa: D417  the options that verbs share are described once, in Access and Form

from interlock import client
from interlock.cli.home import USUAL, Access, Credential, store_credential
from interlock.cli.page import PLAIN, Column, Form, field, show_one
from interlock.cli.plain import flat
from interlock.cli.world import here


def login(code: str = "", /, *, access: Access = USUAL) -> None:
    """Log in with a one-time code; the credential stays in the home, for you alone.

    Args:
        code: the one-time code; asked for when left out, so that it stays out of the history
    """
    world, url = here(), access.address()
    code = code or world.question("One-time code: ", "Give it: `interlock login CODE`.")
    with world.connect(url, "") as gateway:
        answer = gateway.send(client.login(code))
    person = answer["person"]
    credential = Credential(person["id"], person.get("name", ""), answer["token"], url)
    path = store_credential(access.folder(), credential)
    world.say(f"✔ Logged in as {flat(credential.person)} at {url}.", "good")
    world.hint(f"  Credential: {path}", "dim")


def whoami(*, access: Access = USUAL, form: Form = PLAIN) -> None:
    """Say who you are to the gateway, and in which roles."""
    credential = access.credential()
    with here().connect(credential.url, credential.token) as gateway:
        answer = gateway.send(client.whoami()) | {"gateway": credential.url}
    show_one(answer, [Column("you", _name), field("roles"), field("gateway")], form)


def _name(answer: dict[str, object]) -> object:
    person = answer.get("person")
    if not isinstance(person, dict):
        return f"run {answer.get('run', '')}"
    name = person.get("name", "")
    return f"{person.get('id', '')} ({name})" if name else person.get("id", "")
