"""Every knob of the gateway: from a TOML file and `INTERLOCK_*`, the environment winning."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

_PREFIX = "INTERLOCK_GATEWAY_"
_REFERENCE = r"^$|^env:[A-Za-z_][A-Za-z0-9_]*$|^file:.+$"
_PASSWORD = re.compile(r"(://[^/@:]*:)[^@]*@")


class SettingsError(Exception):
    """The settings cannot be used; the message names each key and what is wrong with it."""


class Listen(BaseModel):
    """Where the gateway listens: TCP, and a Unix socket when `socket` names one."""

    model_config = ConfigDict(extra="forbid")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8321
    socket: str = ""


class StoreAt(BaseModel):
    """Where everything is kept: `sqlite:///file` below the home, or `postgresql://…`."""

    model_config = ConfigDict(extra="forbid")
    url: str = "sqlite:///state/interlock.db"


class People(BaseModel):
    """Local people, id → name, for one machine only; not for production."""

    model_config = ConfigDict(extra="forbid")
    local: dict[str, str] = {}


class VaultAccess(BaseModel):
    """Where credentials are that targets name by `vault:MOUNT/PATH#FIELD`."""

    model_config = ConfigDict(extra="forbid")
    url: str = ""
    token: Annotated[str, Field(pattern=_REFERENCE)] = ""
    addresses: list[str] = []
    ca: str = ""


class SlackAccess(BaseModel):
    """The Slack app that asks for approvals; nothing is asked in Slack without `bot_token`.

    What people do comes by Socket Mode with `app_token`, or to `POST /slack/callback` with
    `signing_secret`. `people` maps a person to their Slack account; `emails` a person to the
    address that the identity provider has verified, which links them by it. `note_reaction` is
    the emoji that makes a message a note; `incident_channels` gives each incident a channel.
    """

    model_config = ConfigDict(extra="forbid")
    bot_token: Annotated[str, Field(pattern=_REFERENCE)] = ""
    app_token: Annotated[str, Field(pattern=_REFERENCE)] = ""
    signing_secret: Annotated[str, Field(pattern=_REFERENCE)] = ""
    team: Annotated[str, Field(pattern=r"^$|^[TE][A-Z0-9]{2,}$")] = ""
    channel: Annotated[str, Field(pattern=r"^$|^[CG][A-Z0-9]{2,}$")] = ""
    base_url: str = "https://slack.com/api/"
    people: dict[str, str] = {}
    emails: dict[str, str] = {}
    note_reaction: Annotated[str, Field(pattern=r"^[a-z0-9_+'-]{1,100}$")] = "memo"
    incident_channels: bool = False


class LogAt(BaseModel):
    """The log over all events: `anchor` is a file elsewhere to which checkpoints are added.

    Nothing may change what is in it, best not even this machine; without one, the incidents'
    threads in Slack are the only anchors.
    """

    model_config = ConfigDict(extra="forbid")
    anchor: str = ""


class Settings(BaseSettings):
    """The gateway's settings; paths are relative to the folder of the TOML file."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__"
    )
    home: Path = Path()
    listen: Listen = Listen()
    store: StoreAt = StoreAt()
    people: People = People()
    vault: VaultAccess = VaultAccess()
    slack: SlackAccess = SlackAccess()
    log: LogAt = LogAt()
    public_url: Annotated[str, Field(pattern=r"^$|^https?://[^/]+(/.*)?$")] = ""
    steward_role: Annotated[str, Field(pattern=r"^$|^[a-z][a-z0-9-]*$")] = ""
    policies: str = "policies"
    runbooks: str = "runbooks"
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"

    def path(self, name: str) -> Path:
        """Return a path of the settings, relative ones below the home."""
        return self.home / name

    @property
    def address(self) -> str:
        """Where people reach the gateway's pages, without a slash at the end."""
        listen = self.listen
        return (self.public_url or f"http://{listen.host}:{listen.port}").rstrip("/")

    @property
    def store_url(self) -> str:
        """The store's URL with a relative SQLite file below the home."""
        scheme, separator, file = self.store.url.partition(":///")
        if scheme.startswith("sqlite") and separator:
            return f"{scheme}:///{self.home.resolve() / file}"
        return self.store.url


def load(file: Path | None) -> Settings:
    """Return the settings in `file`, overridden by the environment.

    Raises:
        SettingsError: the file is not there, is not TOML, or has keys or values nobody knows.
    """
    if file is not None and not file.is_file():
        raise SettingsError(f"There is no settings file {file}. `interlock up` makes one.")
    home = file.parent if file is not None else Path()

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources: list[PydanticBaseSettingsSource] = [EnvSettingsSource(settings_cls)]
            if file is not None:
                sources.append(TomlConfigSettingsSource(settings_cls, file))
            return tuple(sources)

    try:
        loaded = FromFile()
    except ValidationError as error:
        raise SettingsError(_told(file, error)) from error
    except ValueError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    return loaded if loaded.home != Path() else loaded.model_copy(update={"home": home})


def _told(file: Path | None, error: ValidationError) -> str:
    wrong = [
        f"  {'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    ]
    return "\n".join([f"{file or 'The environment'} cannot be used:", *wrong])


def shown(settings: Settings, file: Path | None) -> str:
    """Return every setting, its value and where it comes from, a line each, without passwords.

    Args:
        settings: what `load` returned.
        file: the file it was loaded from.
    """
    given = tomllib.loads(file.read_text()) if file is not None else {}
    lines = []
    for name, value in settings.model_dump().items():
        inner = value if isinstance(value, dict) and value else {"": value}
        for key, item in inner.items():
            origin = _origin(name, key, given)
            lines.append(f"{f'{name}.{key}' if key else name} = {_plain(item)}  # {origin}")
    return "\n".join(lines)


def _origin(name: str, key: str, given: Mapping[str, Any]) -> str:
    words = [name, key] if key else [name]
    if _PREFIX + "__".join(words).upper() in os.environ:
        return "environment"
    found = given.get(name)
    return "file" if found is not None and (not key or key in found) else "default"


def _plain(value: Any) -> str:
    """Return a value without the password that a database's URL may hold."""
    return _PASSWORD.sub(r"\1***@", repr(str(value) if isinstance(value, Path) else value))
