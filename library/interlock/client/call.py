"""One request to the gateway as a value, and the values that requests are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the gateway, described but not sent.

    Attributes:
        method: the HTTP method.
        path: the path below the gateway's URL, each part already quoted.
        body: what is sent as JSON; None sends no body.
        query: the query string's values; those that are None are left out.
        patience_s: seconds to wait for the answer.
        idempotent: sending it twice does what sending it once does, so a lost answer may be
            asked for again.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] | None = None
    patience_s: float = 30.0
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a call was made: the gateway journals calls by it."""

    run: str
    step: str
    attempt: int
    ordinal: int

    def as_json(self) -> Json:
        """Return the four members that every call of a kernel carries."""
        return {
            "run": self.run,
            "step": self.step,
            "attempt": self.attempt,
            "ordinal": self.ordinal,
        }


@dataclass(frozen=True, slots=True)
class NewRun:
    """What to run, in which incident, with what, and who runs it.

    Attributes:
        params: a JSON value for each parameter that is not left to its default.
        param_origins: per parameter `person`, `default` or `alert`.
        runner: `{kind, host, confinement, library, python}`.
        digest: the digest of the curated text that the runner holds.
        notebook: the text of an ad-hoc notebook; "" for a curated one.
        key: an idempotency key: the same key starts the run once.
        dry_run: whether actions are only previewed.
    """

    incident: str
    runbook: str
    params: Mapping[str, Any]
    param_origins: Mapping[str, str]
    runner: Mapping[str, str]
    digest: str = ""
    notebook: str = ""
    key: str = ""
    dry_run: bool = False

    def as_json(self) -> Json:
        """Return the request's body; what is "" or False is left out."""
        body = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in body.items() if value not in ("", False)}
