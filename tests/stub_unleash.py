"""Stands in for an Unleash: one project, one feature, its environments.

Its answers are those that Unleash 6.10.1 gave to the same requests.
"""

from dataclasses import dataclass, field
from typing import Any

from stub_api import READER, WRITER, ApiError, Called, Reply, StubApi


def environments() -> dict[str, dict[str, Any]]:
    strategy = {"name": "flexibleRollout", "parameters": {"rollout": "100"}}
    return {
        name: {
            "name": "new-checkout",
            "environment": name,
            "enabled": name == "production",
            "strategies": [strategy],
        }
        for name in ("production", "development")
    }


@dataclass(slots=True)
class StubUnleash(StubApi):
    """A project `default` with the feature `new-checkout`.

    Attributes:
        protected: environments in which only a change request may change anything.
    """

    environments: dict[str, dict[str, Any]] = field(default_factory=environments)
    protected: list[str] = field(default_factory=list)

    def answer(self, called: Called) -> Reply:
        if called.path == ["health"]:
            return 200, {"health": "GOOD"}
        token = called.fields.get("authorization", "")  # as it is: no scheme stands before it
        if token not in {READER, WRITER}:
            raise _error(401, "AuthenticationRequired", "You must log in to use Unleash.")
        base = ["api", "admin", "projects", "default", "features", "new-checkout", "environments"]
        match (called.method, called.path):
            case "GET", ["api", "admin", "projects"]:
                return 200, {"version": 1, "projects": []}
            case "GET", [*head, name] if head == base and name in self.environments:
                return 200, self.environments[name]
            case "POST", [*head, name, ("on" | "off") as word] if head == base:
                return self._switched(token, name, word)
        raise _error(404, "NotFoundError", "Could not find what you asked for")

    def _switched(self, token: str, name: str, word: str) -> Reply:
        if name not in self.environments:
            raise _error(404, "NotFoundError", f"Could not find environment {name}")
        if token != WRITER or name in self.protected:
            raise _error(403, "NoAccessError", "You need UPDATE_FEATURE_ENVIRONMENT")
        self.environments[name]["enabled"] = word == "on"
        return 200, None


def _error(status: int, name: str, message: str) -> ApiError:
    return ApiError(status, {"id": "e-1", "name": name, "message": message})
