"""A scanner in this process, with our own rules alone: it needs no child and no catalogue."""

from collections.abc import Sequence

from interlock_gateway.adapters import secret_rules
from interlock_gateway.core.redaction import Span

_RULES = secret_rules.Rules(secret_rules.load())


class OwnRules:
    """Implements `service.redaction.SecretScanner`."""

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return where our rules find secrets; in characters."""
        return [list(_found(text)) for text in texts]


def _found(text: str) -> list[Span]:
    data = text.encode("utf-8", "surrogatepass")
    return [
        Span(_characters(data[:start]), _characters(data[:end]), rule)
        for start, end, rule in _RULES.scan(data)
    ]


def _characters(data: bytes) -> int:
    return len(data.decode("utf-8", "surrogatepass"))
