"""What a person typed into a form of ours: every field a bounded text, nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from interlock.errors import refusal

from interlock_gateway.core.ledger import When
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.web.session import must_be_ours

MOST_FIELDS = 4_000
_NUMBERS = re.compile(r"\s*#?[1-9]\d{0,14}(?:[\s,]+#?[1-9]\d{0,14})*\s*\Z")
_ABOUT_S, _MINUTE_S = 300, 60


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form that was sent from a page of ours."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return what stands in a field, with lines ended as elsewhere; "" for nothing."""
        return self.fields.get(name, "").replace("\r\n", "\n")

    def word(self, name: str) -> str:
        """Return a short text without blanks around it."""
        return self.text(name).strip()[:200]

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return the events that a field names, such as 12, 14.

        Raises:
            InterlockError: it names something else.
        """
        text = self.text(name).strip()
        if text and not _NUMBERS.match(text):
            message = f"{text[:40]!r} names no event; write its number, such as 12, or 12, 14."
            raise refusal("bad-request", message)
        return tuple(int(word.lstrip("#")) for word in re.split(r"[\s,]+", text) if word)

    def number(self, name: str) -> int:
        """Return the one event that a field names; 0 for none."""
        found = self.numbers(name)
        if len(found) > 1:
            raise refusal("bad-request", "This is about one event.")
        return found[0] if found else 0

    def when(self) -> When | None:
        """Return the moment in the field `time`, which is UTC; None for now."""
        text = self.word("time")
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError:
            message = f"{text[:40]!r} is no time; write 2026-11-23T10:42, in UTC."
            raise refusal("bad-request", message) from None
        return When(at, _ABOUT_S if self.fields.get("about") else _MINUTE_S)


async def typed(request: Request, redaction: Redaction) -> Typed:
    """Return what was sent, secrets in it masked, after making sure that a page of ours sent it.

    Raises:
        InterlockError: another site sent it, or it holds what no text of ours does.
    """
    must_be_ours(request)
    form = await request.form(max_fields=MOST_FIELDS, max_files=0)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    must_be_ours(request, fields.get("csrf", ""))
    if any("\0" in value for value in fields.values()):
        raise refusal("bad-request", "A text cannot hold a NUL character.")
    kept = await redaction.masked({name: fields[name] for name in fields if name != "csrf"})
    return Typed(kept.value)
