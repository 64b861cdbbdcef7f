"""Stands in for an Argo CD API server: one application, its history, its rollback.

Follows the Swagger file of Argo CD 2.11. Errors are those of its gRPC gateway: `code` is gRPC's.
"""

from dataclasses import dataclass, field
from typing import Any

from stub_api import READER, WRITER, ApiError, Called, Reply, StubApi

NOW, BEFORE = "f00dfeed", "0ddba11"
_ROLLBACK = {"name", "id", "dryRun", "prune", "appNamespace", "project"}


def application() -> dict[str, Any]:
    return {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "default", "syncPolicy": {}},
        "status": {
            "sync": {"status": "Synced", "revision": NOW},
            "health": {"status": "Degraded"},
            "history": [
                {"id": 4, "revision": BEFORE, "deployedAt": "2026-01-01T10:00:00Z"},
                {"id": 5, "revision": NOW, "deployedAt": "2026-01-02T10:00:00Z"},
            ],
            "operationState": {
                "phase": "Succeeded",
                "finishedAt": "2026-01-02T10:00:09Z",
                "syncResult": {"revision": NOW},
            },
        },
    }


@dataclass(slots=True)
class StubArgo(StubApi):
    """One application `shop`; a rollback succeeds after it was asked about `polls` times."""

    application: dict[str, Any] = field(default_factory=application)
    polls: int = 2

    def answer(self, called: Called) -> Reply:
        if called.path == ["api", "version"]:
            return 200, {"Version": "v2.11.3"}
        token = called.fields.get("authorization", "")
        if token not in {f"Bearer {READER}", f"Bearer {WRITER}"}:
            raise _error(401, 16, "no session information")
        match (called.method, called.path):
            case "GET", ["api", "v1", "projects"]:
                return 200, {"items": []}
            case "GET", ["api", "v1", "applications", "shop"]:
                self._goes_on()
                return 200, self.application
            case "POST", ["api", "v1", "applications", "shop", "rollback"]:
                if token != f"Bearer {WRITER}":
                    raise _error(403, 7, "permission denied: applications, sync, default/shop")
                return self._rolled_back(called.json())
        raise _error(404, 5, "not found")

    def _rolled_back(self, body: Any) -> Reply:
        if unknown := set(body) - _ROLLBACK:
            raise _error(400, 3, f"json: unknown field {unknown}")
        status = self.application["status"]
        if self.application["spec"]["syncPolicy"].get("automated") is not None:
            raise _error(400, 9, "Rollback cannot be initiated when auto-sync is enabled")
        if status["operationState"]["phase"] == "Running":
            raise _error(400, 9, "another operation is already in progress")
        entry = next((one for one in status["history"] if one["id"] == body["id"]), None)
        if entry is None:
            raise _error(400, 3, f"application shop does not have deployment with id {body['id']}")
        status["operationState"] = {
            "phase": "Running",
            "syncResult": {"revision": entry["revision"]},
        }
        return 200, self.application

    def _goes_on(self) -> None:
        status = self.application["status"]
        if status["operationState"]["phase"] != "Running":
            return
        self.polls -= 1
        if self.polls <= 0:
            status["operationState"] |= {
                "phase": "Succeeded",
                "finishedAt": "2026-01-03T00:00:00Z",
            }
            status["health"] = {"status": "Healthy"}
            status["sync"]["status"] = "OutOfSync"


def _error(status: int, code: int, message: str) -> ApiError:
    return ApiError(status, {"error": message, "code": code, "message": message})
