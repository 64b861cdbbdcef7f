"""Who may do what belongs to running a gateway: start a drill, end anybody's link to a chat."""

from dataclasses import dataclass

from interlock.errors import refusal

from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import PolicySource


@dataclass(frozen=True, slots=True)
class Stewards:
    """The people who hold one standing role, which the settings name; nobody where they do not.

    Attributes:
        policy: says who holds it at this moment.
        role: a role of roles.csv, or "".
    """

    policy: PolicySource
    role: str = ""

    def has(self, who: Principal) -> bool:
        """Tell whether somebody is one of them; a run never is."""
        held = self.policy.current.roles_of(who.person.id)
        return bool(self.role) and not who.run and self.role in held

    def must_have(self, who: Principal, deed: str) -> None:
        """Refuse whoever is none of them.

        Raises:
            InterlockError: `not-a-person`, `no-permission`.
        """
        if who.run:
            raise refusal("not-a-person", f"A run cannot {deed}; only a person can.")
        if not self.role:
            message = f"Nobody may {deed}: the settings name no role for it."
            help_ = 'Set steward_role in interlock.toml to a role of roles.csv, such as "sre".'
            raise refusal("no-permission", message, line="steward_role", help=help_)
        if not self.has(who):
            message = f"{who.person.id} may not {deed}: it needs the role {self.role}."
            raise refusal("no-permission", message, line=f"steward_role = {self.role}")
