"""Says whether a system that actions reach over HTTP answers, and lets both credentials in.

Nothing but GET is sent. That the read credential cannot change anything is not proven here: most
of these APIs cannot be asked, and the one that can (Kubernetes) is asked by a POST.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.doctor.tls import told_by_tls
from interlock_gateway.adapters.targets.exchanges import ApiReader
from interlock_gateway.core.exchange import VENDORS, Selection, Shown, Vendor, Written
from interlock_gateway.core.model import Limits, Statement, Target
from interlock_gateway.service.targets import Secrets, TargetError

_SHORT = Limits(seconds=5.0)
_RIGHTS = "Give it no more than reading: docs/guide.md says which rights, for each kind."


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether the target answers, what it is, and whether it asks for the credential."""
    vendor = VENDORS[target.dialect]
    said = await _asked(target, secrets, vendor.about, vendor.version)
    yield notes.holds("answers", f"GET {_base(target)}{vendor.about}", _named(vendor, said))
    yield told_by_tls(target, notes)
    if target.read:
        await _asked(target, secrets, vendor.private)
        yield notes.holds("read login let in", f"GET {vendor.private}", "it answers")
        yield await _without_credential(target, secrets, notes, vendor)
    said = "not proven: only its own rights keep it from it"
    yield notes.noted("read login cannot change", "nothing", said, _RIGHTS)


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether the target lets the action credential in; nothing is changed for it."""
    vendor = VENDORS[target.dialect]
    await _asked(target, secrets, vendor.private, login="act")
    yield notes.holds("action login let in", f"GET {vendor.private}", "it answers")


async def _without_credential(
    target: Target, secrets: Secrets, notes: Notes, vendor: Vendor
) -> Check:
    """Return whether a credential is asked for at all: one that is not guards nothing."""
    try:
        await _asked(replace(target, read=""), secrets, vendor.private)
    except TargetError as error:
        return notes.holds("asks for the credential", "without it", error)
    then = "Whoever reaches it may use it; let a proxy in front of it ask for a credential."
    return notes.noted("asks for the credential", "without it", "it answered all the same", then)


async def _asked(
    target: Target, secrets: Secrets, path: str, version: str = "", *, login: str = "read"
) -> str:
    """Return the version that an answer names, or ""."""
    columns = (Shown("version", "text", version),) if version else (Shown("all", "json", ""),)
    written = Written("GET", f"{_base(target)}{path}", selection=Selection(columns=columns))
    statement = Statement(target.dialect, written.text, (), written.text)
    rows = await ApiReader(secrets, login=login).read(target, statement, {}, _SHORT)
    return str(rows.rows[0][0] or "") if version and rows.rows else ""


def _named(vendor: Vendor, version: str) -> str:
    return f"{vendor.title} {version}" if version else vendor.title


def _base(target: Target) -> str:
    return str(target.endpoint.base) if target.endpoint else "no url"
