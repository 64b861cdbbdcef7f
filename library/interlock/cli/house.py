"""Makes a home in which a gateway can live: settings, policies, runbooks, local people."""

import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from interlock.errors import InterlockError, UsageError

SETTINGS = """\
# Written by `interlock up`; yours to change.
policies = "policies"
runbooks = "runbooks"

[listen]
host = "127.0.0.1"
port = {port}

[store]
url = "sqlite:///state/interlock.db"

[people]
# Local people log in with one-time codes. Not for production: use OIDC there.
local = {{ {people} }}
"""


@dataclass(frozen=True, slots=True)
class House:
    """A home with a gateway's settings in it."""

    folder: Path
    port: int
    people: Mapping[str, str]

    @property
    def config(self) -> Path:
        """The gateway's settings."""
        return self.folder / "interlock.toml"

    @property
    def log(self) -> Path:
        """Where the gateway's own words go."""
        return self.folder / "gateway.log"

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self.port}"


def build(folder: Path, port: int, people: Mapping[str, str]) -> House:
    """Make `folder` a home: nobody else can read it, nothing that is there is replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("policies", "runbooks"):
        if not (folder / name).exists():
            shutil.copytree(shipped(name), folder / name)
    house = House(folder, port, people)
    if not house.config.exists():
        house.config.write_text(settings(house), "utf-8")
    return house


def settings(house: House) -> str:
    """Return the text of `interlock.toml`."""
    people = ", ".join(f"{person} = {_quoted(name)}" for person, name in house.people.items())
    return SETTINGS.format(port=house.port, people=people)


def read(folder: Path) -> House:
    """Return the home that is already in `folder`.

    Raises:
        UsageError: its settings cannot be read.
    """
    path = folder / "interlock.toml"
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        port = int(found.get("listen", {}).get("port", 8321))
        people = {str(k): str(v) for k, v in found.get("people", {}).get("local", {}).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", help="Mend that line.") from error
    return House(folder, port, people)


def shipped(name: str) -> Path:
    """Return the folder `policies` or `runbooks` that came with Interlock.

    In a wheel it lies beside the gateway; in a checkout at its top. The gateway is located,
    never imported.
    """
    spec = util.find_spec("interlock_gateway")
    if spec is None or spec.origin is None:
        raise InterlockError(
            "The gateway is not installed.",
            help="Run `pip install 'interlock-runbooks[run,gateway]'`.",
        )
    package = Path(spec.origin).parent
    places = [package / "defaults" / name, package.parents[1] / name]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise InterlockError(f"No {name} came with Interlock.", help="Install it again.")
    return found


def _quoted(text: str) -> str:
    """Return `text` as a TOML basic string, which is JSON's but for surrogates."""
    return json.dumps(text, ensure_ascii=False)
