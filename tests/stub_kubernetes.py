"""Stands in for a Kubernetes API server: Deployments, their scale, ReplicaSets, Certificates.

Follows the API reference of v1.30 as far as the actions that ship need it: apps/v1, autoscaling,
cert-manager.io/v1; strategic merge patches of maps alone, JSON patches (RFC 6902), dry runs, field
validation as with `fieldValidation=Strict`.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from stub_api import READER, WRITER, ApiError, Called, Reply, StubApi

UID, OLDER = "5c0d6a60-7a44-4a8e-9d07-0f3b5cf1f7a1", "web-6d4cf56db6"
Json = dict[str, Any]

_SPEC = {
    "deployments": {"replicas", "selector", "template", "strategy", "paused", "minReadySeconds"},
    "certificates": {"secretName", "issuerRef", "dnsNames", "duration"},
}
_KEYS = {"fieldManager", "dryRun", "fieldValidation"}


def template(image: str, **labels: str) -> Json:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }


def deployment() -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": UID,
            "generation": 7,
            "resourceVersion": "1000",
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("shop/web:2"),
            "strategy": {"type": "RollingUpdate"},
        },
        "status": {
            "observedGeneration": 7,
            "replicas": 3,
            "updatedReplicas": 3,
            "availableReplicas": 3,
        },
    }


def replica_set() -> Json:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": UID}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": OLDER,
            "namespace": "shop",
            "creationTimestamp": "2026-01-01T10:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "4"},
            "ownerReferences": [owner],
        },
        "spec": {"template": template("shop/web:1", **{"pod-template-hash": "6d4cf56db6"})},
    }


def certificate() -> Json:
    ready = {"type": "Ready", "status": "True", "reason": "Ready"}
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "shop-tls", "namespace": "shop", "uid": UID, "generation": 1},
        "spec": {"secretName": "shop-tls", "issuerRef": {"name": "letsencrypt"}},
        "status": {
            "notAfter": "2026-12-01T00:00:00Z",
            "renewalTime": "2026-11-01T00:00:00Z",
            "revision": 3,
            "conditions": [ready],
        },
    }


@dataclass(slots=True)
class StubKubernetes(StubApi):
    """One namespace `shop`.

    Attributes:
        deployment, replica_set, certificate: the objects.
        autoscaled: names of Deployments that an autoscaler scales.
        stuck: whether no controller works, so that nothing follows from a change.
    """

    deployment: Json = field(default_factory=deployment)
    replica_set: Json = field(default_factory=replica_set)
    certificate: Json = field(default_factory=certificate)
    autoscaled: list[str] = field(default_factory=list)
    stuck: bool = False

    def answer(self, called: Called) -> Reply:
        self._let_in(called)
        match called.path:
            case ["version"]:
                return 200, {"major": "1", "minor": "30", "gitVersion": "v1.30.2"}
            case ["apis"]:
                return 200, {"kind": "APIGroupList", "groups": []}
            case ["apis", group, version, "namespaces", "shop", *rest]:
                return self._in_namespace(called, f"{group}/{version}", rest)
        raise _not_found()

    def _in_namespace(self, called: Called, version: str, rest: list[str]) -> Reply:
        match version, rest:
            case "apps/v1", ["replicasets", name]:
                return self._read(called, self.replica_set, name)
            case "apps/v1", ["deployments", name]:
                return self._object(called, self.deployment, name)
            case "apps/v1", ["deployments", name, "scale"]:
                return self._scale(called, name)
            case "autoscaling/v2", ["horizontalpodautoscalers"]:
                return 200, {"kind": "HorizontalPodAutoscalerList", "items": self._autoscalers()}
            case "cert-manager.io/v1", ["certificates", name]:
                return self._read(called, self.certificate, name)
            case "cert-manager.io/v1", ["certificates", name, "status"]:
                return self._object(called, self.certificate, name, status=True)
        raise _not_found()

    def _let_in(self, called: Called) -> None:
        match called.fields.get("authorization", ""):
            case token if token == f"Bearer {WRITER}":
                return
            case token if token == f"Bearer {READER}":
                if called.method != "GET":
                    raise _status(403, "Forbidden", "it cannot patch this resource")
                return
        if called.path != ["version"]:
            raise _status(401, "Unauthorized", "Unauthorized")

    def _autoscalers(self) -> list[Json]:
        return [
            {
                "metadata": {"name": f"{name}-scaler"},
                "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}},
            }
            for name in self.autoscaled
        ]

    def _read(self, called: Called, found: Json, name: str) -> Reply:
        if name != found["metadata"]["name"]:
            raise _status(404, "NotFound", f'"{name}" not found')
        if called.method != "GET":
            raise _status(405, "MethodNotAllowed", "not here")
        return 200, found

    def _object(self, called: Called, found: Json, name: str, *, status: bool = False) -> Reply:
        if called.method == "GET":
            return self._read(called, found, name)
        if name != found["metadata"]["name"]:
            raise _status(404, "NotFound", f'"{name}" not found')
        changed = _patched(called, found)
        _must_be_the_same(found, changed)
        if not status:
            _must_be_known(changed)
        if changed["spec"] != found["spec"] and not status:
            changed["metadata"]["generation"] += 1
        if not called.query.get("dryRun"):
            found.clear()
            found.update(copy.deepcopy(changed))
            if not self.stuck:
                _follow(found)
        return 200, changed

    def _scale(self, called: Called, name: str) -> Reply:
        found = self.deployment
        if name != found["metadata"]["name"]:
            raise _status(404, "NotFound", f'"{name}" not found')
        scale = _scale_of(found)
        if called.method == "GET":
            return 200, scale
        changed = _patched(called, scale)
        _must_be_the_same(scale, changed)
        if not called.query.get("dryRun"):
            found["spec"]["replicas"] = changed["spec"]["replicas"]
            found["metadata"]["generation"] += 1
            if not self.stuck:
                _follow(found)
            return 200, _scale_of(found)
        return 200, changed


def _scale_of(found: Json) -> Json:
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "uid")}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": metadata,
        "spec": {"replicas": found["spec"]["replicas"]},
        "status": {"replicas": found["status"]["replicas"], "selector": "app=web"},
    }


def _follow(found: Json) -> None:
    """Do what the controllers do, at once."""
    if found["kind"] == "Deployment":
        wanted = found["spec"]["replicas"]
        numbers = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
        found["status"] = {"observedGeneration": found["metadata"]["generation"], **numbers}
        return
    conditions = found["status"]["conditions"]
    found["status"]["conditions"] = [one for one in conditions if one["type"] != "Issuing"]
    if len(found["status"]["conditions"]) < len(conditions):
        found["status"]["revision"] += 1


def _patched(called: Called, found: Json) -> Json:
    if called.method != "PATCH":
        raise _status(405, "MethodNotAllowed", "the method is not allowed")
    if unknown := set(called.query) - _KEYS:
        raise _status(400, "BadRequest", f"unknown parameter {unknown}")
    if called.query.get("dryRun", "All") != "All":
        raise _status(422, "Invalid", "dryRun: only All is supported")
    match called.media:
        case "application/json-patch+json":
            return _by_operations(found, called.json())
        case "application/strategic-merge-patch+json" | "application/merge-patch+json":
            return dict(_merged(found, called.json()))
    raise _status(415, "UnsupportedMediaType", "the body of the request was in an unknown format")


def _merged(found: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    base = found if isinstance(found, dict) else {}
    return {**base, **{key: _merged(base.get(key), value) for key, value in patch.items()}}


def _by_operations(found: Json, operations: Any) -> Json:
    changed = copy.deepcopy(found)
    for one in operations:
        if set(one) - {"op", "path", "value"} or one["op"] not in {
            "test",
            "add",
            "replace",
            "remove",
        }:
            raise _status(400, "BadRequest", f"unknown operation {one}")
        parent, key = _place(changed, one["path"])
        _operate(parent, key, one)
    return changed


def _operate(parent: Any, key: Any, one: Json) -> None:
    there = key in parent if isinstance(parent, dict) else key != "-" and key < len(parent)
    match one["op"]:
        case "add" if key == "-":
            parent.append(one["value"])
        case "add":
            parent[key] = one["value"]
        case _ if not there:
            raise _invalid()
        case "test" if parent[key] != one["value"]:
            raise _invalid()
        case "replace":
            parent[key] = one["value"]
        case "remove":
            del parent[key]


def _place(document: Any, pointer: str) -> tuple[Any, Any]:
    *parts, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in parts:
        if not isinstance(document, dict) or part not in document:
            raise _invalid()
        document = document[part]
    return document, last


def _must_be_the_same(found: Json, changed: Json) -> None:
    for key in ("uid", "resourceVersion", "name"):
        if changed["metadata"].get(key) != found["metadata"].get(key):
            raise _status(409, "Conflict", f"Precondition failed: {key}; the object was modified")


def _must_be_known(changed: Json) -> None:
    kind = changed["kind"].lower() + "s"
    unknown = set(changed) - {"apiVersion", "kind", "metadata", "spec", "status"}
    unknown |= set(changed["spec"]) - _SPEC[kind]
    unknown |= set(changed["spec"].get("template", {})) - {"metadata", "spec"}
    if unknown:
        raise _status(422, "Invalid", f"strict decoding error: unknown field {unknown}")


def _not_found() -> ApiError:
    return _status(404, "NotFound", "the server could not find the requested resource")


def _invalid() -> ApiError:
    message = "the server rejected our request due to an error in our request"
    return _status(422, "Invalid", message)


def _status(code: int, reason: str, message: str) -> ApiError:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return ApiError(code, {**status, "message": message, "reason": reason, "code": code})
