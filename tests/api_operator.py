"""Takes one catalogued action on an HTTP target through its parts, as the gateway does."""

import asyncio
import time
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.policy_files import read
from interlock_gateway.adapters.targets.exchanges import ApiActor, ApiReader
from interlock_gateway.core.action import Action
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.exchange import VENDORS
from interlock_gateway.core.model import Endpoint, Limits, Rows, Statement, Target
from interlock_gateway.service.calls import Site
from interlock_gateway.service.designs import Check, Design
from interlock_gateway.service.exchanges import Asking, Exchanges, designed
from interlock_gateway.service.outcomes import as_expected
from interlock_gateway.service.targets import Deed, TargetError
from interlock_gateway.service.wishes import Wish
from mysql_target import AsWritten
from policy_folder import SHIPPED
from stub_api import READER, WRITER
from witnesses import Attentive

ACTIONS = read(SHIPPED).actions
LOOPBACK = (ip_network("127.0.0.1/32"),)
_SITE = Site("R-1", "act", 1, 0)


def api_target(action: Action, url: str, read: str = READER, act: str = WRITER) -> Target:
    """Return a target on loopback."""
    endpoint = Endpoint(base_url(url), LOOPBACK, VENDORS[action.dialect].scheme)
    quick = Limits(seconds=5.0)
    return Target("there", action.dialect, "production", read, act, quick, endpoint=endpoint)


@dataclass(slots=True)
class ApiOperator:
    """One person who has asked for one action."""

    action: Action
    target: Target
    reader: ApiReader = field(default_factory=lambda: ApiReader(AsWritten()))
    actor: ApiActor = field(default_factory=lambda: ApiActor(AsWritten()))
    design: Design | None = None
    preview: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, url: str, **more: str) -> "ApiOperator":
        """Return somebody who will ask for the action `name` at `url`."""
        return cls(ACTIONS[name], api_target(ACTIONS[name], url, **more))

    async def asks(self, **given: Any) -> None:
        """Ask: look at what would be done, and write every byte of it down."""
        kinds = {name: argument.type for name, argument in self.action.arguments.items()}
        args = {name: {"type": kinds[name], "value": value} for name, value in given.items()}
        assert self.action.problems(args) == ()
        wish = Wish(_SITE, self.target.name, "it wakes everybody", self.action.id, args)
        unsent = Statement(self.target.dialect, "", (), "")
        asking = Asking("INC-1", "ann", wish.reason, SystemClock().now(), "t0ken")
        self.design, self.preview = await Exchanges(self.reader).looked(
            self.target, self.action, designed(self.action, wish, unsent), wish, asking
        )

    @property
    def sent(self) -> str:
        """The text that approvers see."""
        assert self.design is not None
        return self.design.statement.text

    def shown(self, part: str = "") -> list[dict[str, Any]]:
        """Return the rows of the preview, or of its `trial`."""
        found = self.preview[part] if part else self.preview
        names = [column["name"] for column in found["columns"]]
        return [dict(zip(names, row, strict=True)) for row in found["rows"]]

    async def acts(self) -> Rows:
        """Do it once."""
        assert self.design is not None
        deed = Deed(self.design.statement, {}, self.design.expect, 0, 1)
        return await self.actor.act(self.target, deed, self.target.limits, Attentive())

    async def refused(self) -> TargetError:
        """Do it where it must be refused, and return how."""
        with pytest.raises(TargetError) as caught:
            await self.acts()
        assert WRITER not in str(caught.value)
        return caught.value

    async def prechecks(self) -> bool:
        """Tell whether the precheck holds, once more."""
        assert self.design is not None
        return await self._holds(self.design.precheck)

    async def verified(self, within_s: float = 5.0) -> bool:
        """Tell whether the verify holds within the time."""
        assert self.design is not None
        assert self.design.verify is not None
        ends = time.monotonic() + within_s
        while True:
            held = await self._holds(self.design.verify)
            if held or time.monotonic() >= ends:
                return held
            await asyncio.sleep(0.02)

    async def _holds(self, check: Check | None) -> bool:
        assert check is not None
        limits = self.target.limits
        rows = await self.reader.read(self.target, check.statement, {}, limits)
        return as_expected(rows, check.expect)
