"""A policy as one frozen value: it is built aside, swapped whole, and never edited."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from interlock_gateway.core.action import Action
from interlock_gateway.core.approval_rule import ApprovalRule, eligible, satisfied
from interlock_gateway.core.model import IncidentRole, Target
from interlock_gateway.core.pace import Callers
from interlock_gateway.core.policy.engine import Engine
from interlock_gateway.core.policy.lines import EFFECTS, Vocabulary
from interlock_gateway.core.policy.roles import Roles
from interlock_gateway.core.policy.values import ANY_TARGET, UNASKABLE, Ask, Line, Ruling


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a policy folder says.

    Attributes:
        digest: of every file that can change a decision; it stands in each decision and event.
        lines: permissions.csv in order; the first that matches decides.
        roles: who holds which standing role.
        rules: name → approval rule.
        tiers: in the order of targets.toml.
        targets: name → target.
        callers: how often people and runs may ask them.
        actions: id → action.
        bearings: a target's name → digest of what bears on the proof of a statement there: its
            dialect, `reads` and `masked`.
        engine: decides; casbin misbehaves in several threads, hence `turn`.
        turn: held while `engine` decides.
    """

    digest: str
    lines: tuple[Line, ...]
    roles: Roles
    rules: Mapping[str, ApprovalRule]
    tiers: tuple[str, ...]
    targets: Mapping[str, Target]
    callers: Callers
    actions: Mapping[str, Action]
    bearings: Mapping[str, str]
    engine: Engine
    turn: AbstractContextManager[object]

    @property
    def vocabulary(self) -> Vocabulary:
        """Every word a line of this policy may use."""
        return Vocabulary(
            roles=self.roles.names,
            targets={name: target.tier for name, target in self.targets.items()},
            tiers=self.tiers,
            actions=tuple(self.actions),
            rules=tuple(self.rules),
        )

    def rule(self, ask: Ask) -> Ruling:
        """Return the answer of the first line that matches; silence and malfunction deny."""
        if wrong := self._unaskable(ask):
            return Ruling(allowed=False, line=UNASKABLE, text=wrong)
        with self.turn:
            return self.engine.rule(ask)

    def rule_named(self, terms: str) -> ApprovalRule:
        """Return the approval rule that `Ruling.terms` names.

        Raises:
            KeyError: `terms` is `freely`, empty, or of another policy.
        """
        return self.rules[terms]

    def roles_of(self, person: str, part: IncidentRole | None = None) -> frozenset[str]:
        """Return every role `person` holds, with their part in the incident counted in."""
        return self.roles.of(person, part)

    def people_with(self, role: str) -> frozenset[str]:
        """Return the people who hold the standing role `role`."""
        return self.roles.holders(role)

    def eligible(
        self, rule: ApprovalRule, parts: Mapping[str, IncidentRole], requester: str
    ) -> frozenset[str]:
        """Return who may vote now, given everybody's part in the incident."""
        people = {who: self.roles_of(who, parts.get(who)) for who in {*self.roles.people, *parts}}
        return eligible(rule, people, requester=requester)

    def approvable(self, rule: ApprovalRule, requester: str) -> bool:
        """Tell whether anybody could ever approve what `requester` asks under `rule`.

        Whoever holds a standing role could take command, so all of them count as commanders.
        """
        part = IncidentRole.COMMANDER
        roles = {person: self.roles_of(person, part) for person in self.roles.people}
        return satisfied(rule, roles, requester=requester)

    def approvable_together(self, rules: Collection[ApprovalRule], requester: str) -> bool:
        """Tell whether people who may vote under each of `rules` could satisfy all of them."""
        part = IncidentRole.COMMANDER
        people = {person: self.roles_of(person, part) for person in self.roles.people}
        able = {
            person: roles
            for person, roles in people.items()
            if all(roles & rule.roles for rule in rules)
        }
        return all(satisfied(rule, able, requester=requester) for rule in rules)

    def _unaskable(self, ask: Ask) -> str:
        if ask.operation not in EFFECTS and ask.operation not in self.actions:
            return f"{ask.operation!r} is neither an effect that can be allowed nor an action."
        target = self.targets.get(ask.target)
        if target is None and ask.target != ANY_TARGET:
            return f"There is no target {ask.target!r} in targets.toml."
        if ask.tier not in self.tiers or (target is not None and target.tier != ask.tier):
            return f"{ask.target!r} is not of the tier {ask.tier!r}."
        if ask.operation in self.actions and target is not None:
            return self._wrong_dialect(self.actions[ask.operation], target)
        return ""

    def _wrong_dialect(self, action: Action, target: Target) -> str:
        if action.dialect is target.dialect:
            return ""
        return f"{action.id} is for {action.dialect}; {target.name} speaks {target.dialect}."
