"""Whether somebody is known here at all: they logged in once, or policy names them."""

from interlock.errors import refusal

from interlock_gateway.core.policy import Policy
from interlock_gateway.service.ports import Reading
from interlock_gateway.service.records import PersonRow


def must_be_known(tx: Reading, policy: Policy, person: str) -> None:
    """Refuse a name that is nobody's."""
    if tx.get(PersonRow, person) is None and not policy.roles_of(person):
        raise refusal("bad-request", f"Nobody here is called {person[:80]!r}.")
