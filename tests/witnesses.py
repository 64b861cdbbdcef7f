"""Witnesses of deeds in tests of adapters: they remember, or refuse to."""

from dataclasses import dataclass, field

from interlock_gateway.core.model import Before
from interlock_gateway.service.targets import Prepared, TargetError


@dataclass(slots=True)
class Attentive:
    """Remembers what it was told."""

    told: list[Prepared] = field(default_factory=list)

    async def before_commit(self, prepared: Prepared) -> None:
        """Remember it."""
        self.told.append(prepared)

    @property
    def before(self) -> Before | None:
        """What the rows of the last deed were."""
        return self.told[-1].before


class FullStore:
    """Can keep nothing."""

    async def before_commit(self, prepared: Prepared) -> None:  # noqa: ARG002  the port's signature
        """Refuse."""
        raise TargetError("store-unwritable", "The disk is full.")
