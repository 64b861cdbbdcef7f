"""Where this machine keeps what it knows: which gateway, and who is logged in.

A home is a folder: `--home`, else `INTERLOCK_HOME`, else `.interlock/` beside the working
folder if it is there, else `~/.interlock`. Credentials lie in it, one file a person, readable by
their owner alone; a file that others can read is refused rather than trusted.
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from interlock.cli.plain import flat
from interlock.cli.world import World, here
from interlock.errors import NotLoggedIn, UsageError

if TYPE_CHECKING:
    from interlock.client import Client


DEFAULT_URL = "http://127.0.0.1:8321"
_SLUG = re.compile(r"[a-z][a-z0-9-]*")


@Parameter(name="*", group="Which gateway, as whom")
@dataclass(frozen=True, slots=True)
class Access:
    """Which gateway is spoken to, and as whom.

    Attributes:
        home: folder with settings and credentials [env: INTERLOCK_HOME]
        url: URL of the gateway, or unix:/path [env: INTERLOCK_URL]
        as_: which of the people logged in here speaks
    """

    home: Path | None = None
    url: str = ""
    as_: Annotated[str, Parameter(name="--as")] = ""

    def connect(self) -> "Client":
        """Open a client as the person meant.

        Raises:
            NotLoggedIn: there is no usable credential.
        """
        credential = self.credential()
        client = here().connect(credential.url, credential.token)
        client.on_masked = _say_what_was_masked
        return client

    def credential(self) -> "Credential":
        """Return the credential meant: `INTERLOCK_TOKEN`, `--as`, or the only one there is."""
        world, home = here(), self.folder()
        wanted = self.url or world.environ.get("INTERLOCK_URL", "")
        token = world.environ.get("INTERLOCK_TOKEN", "")
        if token and not self.as_:
            # Never a URL found in a folder: whoever made the folder would get the credential.
            return Credential("", "", token, wanted or DEFAULT_URL)
        found = _chosen(home, self.as_)
        if wanted and wanted.rstrip("/") != found.url.rstrip("/"):
            raise NotLoggedIn(
                f"{found.person} is logged in at {found.url}, not at {wanted}.",
                help=f"Run `interlock login --url {wanted}`.",
            )
        return found

    def address(self) -> str:
        """Return the gateway's URL, for calls that need no credential."""
        world = here()
        return self.url or world.environ.get("INTERLOCK_URL", "") or configured_url(self.folder())

    def folder(self) -> Path:
        """Return the home folder; it need not exist."""
        return home_folder(here(), self.home)


def _say_what_was_masked(rules: Mapping[str, int]) -> None:
    """Tell whoever wrote it, at once, what stands as a mark in the record now."""
    number = sum(rules.values())
    told = ", ".join(flat(rule) for rule in sorted(rules))
    what = "1 secret was" if number == 1 else f"{number} secrets were"
    here().hint(f"– {what} masked: {told}. The record holds a mark instead.", "warn")  # noqa: RUF001  the mark of what is noted


USUAL = Access()
"""No option given: what the environment and the home say."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One person's credential at one gateway."""

    person: str
    name: str
    token: str
    url: str

    def __repr__(self) -> str:
        return f"Credential({self.person!r}, token=…, url={self.url!r})"


def home_folder(world: World, given: Path | None) -> Path:
    """Return the home folder that `given`, the environment or the working folder means."""
    named = given or world.environ.get("INTERLOCK_HOME")
    if named:
        return world.cwd / Path(named).expanduser()
    beside = world.cwd / ".interlock"
    return beside if beside.is_dir() else Path(world.environ.get("HOME", "~")) / ".interlock"


def configured_url(home: Path) -> str:
    """Return where `interlock.toml` in `home` makes the gateway listen, else the default."""
    try:
        settings = tomllib.loads((home / "interlock.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return DEFAULT_URL
    listen = settings.get("listen", {})
    return f"http://{listen.get('host', '127.0.0.1')}:{listen.get('port', 8321)}"


def store_credential(home: Path, credential: Credential) -> Path:
    """Write `credential` so that its owner alone can read it, replacing an older one."""
    if not _SLUG.fullmatch(credential.person):
        raise NotLoggedIn(f"The gateway gave an impossible name: {flat(credential.person)}.")
    folder = home / "credentials"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{credential.person}.json"
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(credential), file)
    fresh.replace(path)
    return path


def logged_in(home: Path) -> list[str]:
    """Return the people who have a credential in `home`."""
    return sorted(path.stem for path in (home / "credentials").glob("*.json"))


def load_credential(path: Path) -> Credential:
    """Read one credential.

    Raises:
        NotLoggedIn: it is missing, damaged, another user's, or readable by others.
    """
    try:
        facts = path.stat()
        _refuse_if_exposed(path, facts)
        return _parsed(path, json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise NotLoggedIn(f"Nobody called {flat(path.stem)} is logged in here.") from None
    except (OSError, ValueError) as error:
        raise NotLoggedIn(f"{path} cannot be read: {error}.") from error


def _refuse_if_exposed(path: Path, facts: os.stat_result) -> None:
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise NotLoggedIn(
            f"{path} can be read by others, so it is not used.",
            help=f"Run `chmod 600 {path}`; if others may have read it, log in again.",
        )
    if facts.st_uid != os.geteuid():
        raise NotLoggedIn(
            f"{path} belongs to another user, so it is not used.",
            help="Log in yourself: `interlock login`.",
        )


def _parsed(path: Path, value: Any) -> Credential:
    names = ("person", "name", "token", "url")
    if not isinstance(value, dict) or any(not isinstance(value.get(n), str) for n in names):
        raise NotLoggedIn(f"{path} is not a credential; log in again.")
    return Credential(*(value[name] for name in names))


def _chosen(home: Path, person: str) -> Credential:
    people = logged_in(home)
    if person and person not in people:
        known = f" Logged in: {', '.join(people)}." if people else ""
        raise NotLoggedIn(f"{flat(person)} is not logged in here ({home}).{known}")
    if not person and not people:
        raise NotLoggedIn(f"Nobody is logged in here ({home}).")
    if not person and len(people) > 1:
        raise UsageError(
            f"Several people are logged in here: {', '.join(people)}.",
            help=f"Say who you are, for example --as {people[0]}.",
        )
    return load_credential(home / "credentials" / f"{person or people[0]}.json")
