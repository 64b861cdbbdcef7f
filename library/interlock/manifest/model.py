"""What a curated run may ask, as frozen values and as canonical JSON."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import UsageError
from interlock.runbook import Limits
from interlock.wire import canonical, digest, logql_digest, promql_digest, statement_digest

SCHEMA = "manifest/v1"

Params = Mapping[str, Mapping[str, Any]]
"""A run's bound parameters as requests carry them: `{name: {"type", "value"}}`."""


@dataclass(frozen=True, slots=True)
class ActionGrant:
    """A catalogued action that a step may ask for.

    Attributes:
        action: the action's id.
        target: a target's name, or `params.NAME`.
        args: the names of its arguments.
    """

    action: str
    target: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MutationGrant:
    """A mutating statement that a step may ask for, and how many rows it may touch at most."""

    statement: str
    max_rows: int


@dataclass(frozen=True, slots=True)
class StepGrant:
    """What one step may ask.

    Attributes:
        source_digest: of the cell's exact text; another text is another step.
        statements: digests of its reads, in SQL, PromQL and LogQL. Where the cell names the target
            by a parameter, the digest is over the words `params.NAME`, which no target can be
            called.
        mutations: its mutating statements.
        actions: its catalogued actions.
    """

    kind: str
    source_digest: str
    statements: frozenset[str] = frozenset()
    mutations: frozenset[MutationGrant] = frozenset()
    actions: frozenset[ActionGrant] = frozenset()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a curated run of one version of a runbook may ask the gateway for.

    Attributes:
        runbook: the runbook's id.
        version: the runbook's version.
        notebook: the digest of the notebook's text.
        steps: step id → what it may ask.
        limits: what one run may cost.
    """

    runbook: str
    version: str
    notebook: str
    steps: Mapping[str, StepGrant] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def digest(self) -> str:
        """The SHA-256 of its canonical JSON."""
        return digest(canonical(self.to_json()))

    def allows(
        self, step: str, *, target: str, sql: str, names: Collection[str], params: Params
    ) -> bool:
        """Say whether `step` lists this read.

        Args:
            step: the step that is running.
            target: the target's name in the request.
            sql: the exact text in the request.
            names: the names of the statement's parameters.
            params: the run's bound parameters, by which `params.db` is `orders`.
        """
        return self._lists(step, _digests(target, sql, names, params))

    def allows_metrics(
        self, step: str, *, target: str, promql: str, names: Collection[str], params: Params
    ) -> bool:
        """Say whether `step` lists this question about metrics; from when to when is free."""
        return self._lists(step, _digests(target, promql, names, params, promql_digest))

    def allows_logs(
        self, step: str, *, target: str, logql: str, names: Collection[str], params: Params
    ) -> bool:
        """Say whether `step` lists this question about logs; when, and how many, is free."""
        return self._lists(step, _digests(target, logql, names, params, logql_digest))

    def _lists(self, step: str, asked: Collection[str]) -> bool:
        grant = self.steps.get(step)
        return grant is not None and any(one in grant.statements for one in asked)

    def allows_action(
        self,
        step: str,
        *,
        action: str,
        target: str,
        params: Params,
        args: Collection[str] | None = None,
    ) -> bool:
        """Say whether `step` lists this action on this target, with arguments of these names.

        Args:
            step: the step that is running.
            action: the action's id.
            target: the target's name in the request.
            params: the run's bound parameters.
            args: the names of the request's arguments; None leaves them to the catalogue.
        """
        grant = self.steps.get(step)
        return grant is not None and any(
            one.action == action
            and one.target in _names_of(target, params)
            and (args is None or set(args) == set(one.args))
            for one in grant.actions
        )

    def allows_execution(
        self,
        step: str,
        *,
        target: str,
        sql: str,
        names: Collection[str],
        params: Params,
        max_rows: int = 0,
    ) -> bool:
        """Say whether `step` lists this mutating statement, for at most this many rows."""
        grant = self.steps.get(step)
        asked = set(_digests(target, sql, names, params))
        return grant is not None and any(
            one.statement in asked and max_rows <= one.max_rows for one in grant.mutations
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as the JSON object whose canonical form is digested."""
        return {
            "schema": SCHEMA,
            "runbook": self.runbook,
            "version": self.version,
            "notebook": self.notebook,
            "limits": {name: getattr(self.limits, name) for name in Limits.__slots__},
            "steps": {name: _grant_json(grant) for name, grant in self.steps.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Manifest":
        """Return what `to_json` wrote.

        Raises:
            UsageError: `runbook-invalid`; it is not a manifest of this version.
        """
        try:
            made = cls(
                runbook=value["runbook"],
                version=value["version"],
                notebook=value["notebook"],
                steps={name: _grant(raw) for name, raw in value["steps"].items()},
                limits=Limits(**value["limits"]),
            )
            if made.to_json() == value:
                return made
        except (KeyError, TypeError, AttributeError, ValueError):
            pass
        raise UsageError(f"This is not a {SCHEMA}.", code="runbook-invalid")


def _names_of(target: str, params: Params) -> Iterator[str]:
    """Every way in which a cell may have written `target`."""
    yield target
    yield from (f"params.{name}" for name, typed in params.items() if typed["value"] == target)


def _digests(
    target: str,
    text: str,
    names: Collection[str],
    params: Params,
    digested: Callable[[str, str, list[str]], str] = statement_digest,
) -> list[str]:
    try:
        return [digested(name, text, list(names)) for name in _names_of(target, params)]
    except UnicodeEncodeError:  # a lone surrogate: in no notebook, so in no manifest
        return []


def _grant_json(grant: StepGrant) -> dict[str, Any]:
    mutations = sorted(grant.mutations, key=lambda one: (one.statement, one.max_rows))
    actions = sorted(grant.actions, key=lambda one: (one.action, one.target, one.args))
    return {
        "kind": grant.kind,
        "source_digest": grant.source_digest,
        "statements": sorted(grant.statements),
        "mutations": [{"statement": m.statement, "max_rows": m.max_rows} for m in mutations],
        "actions": [
            {"action": a.action, "target": a.target, "args": list(a.args)} for a in actions
        ],
    }


def _grant(raw: Mapping[str, Any]) -> StepGrant:
    return StepGrant(
        kind=raw["kind"],
        source_digest=raw["source_digest"],
        statements=frozenset(raw["statements"]),
        mutations=frozenset(MutationGrant(**one) for one in raw["mutations"]),
        actions=frozenset(
            ActionGrant(one["action"], one["target"], tuple(one["args"])) for one in raw["actions"]
        ),
    )
