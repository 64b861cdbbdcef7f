"""Finds secrets in texts, in a child process: what hangs or breaks it stops nothing else.

The rules are those of Kingfisher's catalogue and our own. The child has no credential, no text is
kept, and a text that it cannot answer for is withheld by whoever asked: it fails closed.
Source: https://github.com/mongodb/kingfisher (Apache-2.0)
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from interlock_gateway.adapters.child import Child, Ended
from interlock_gateway.core.redaction import Span
from interlock_gateway.service.redaction import NOT_SCANNED, ScannerError

MOST = 24 << 20
"""Characters that are scanned in one question; what is longer is withheld."""

PATIENCE_S = 10.0
"""Seconds after which a question is given up and the child killed."""

_MODULE = "interlock_gateway.adapters.secret_scanner_child"
_ANSWER = 64 << 20


class KingfisherScanner:
    """Implements `service.redaction.SecretScanner`."""

    def __init__(self, module: str = _MODULE, patience_s: float = PATIENCE_S) -> None:
        """Start nothing yet; `module` is what the child runs."""
        self._module = module
        self._patience_s = patience_s
        self._child: Child | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Let the child compile its rules now, so that the first note need not wait.

        Raises:
            ScannerError: it cannot be started; each question tries again.
        """
        async with self._turn:
            await self._ready()

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return where secrets stand in each of `texts`, in characters.

        Raises:
            ScannerError: nobody can say.
        """
        if not any(texts):
            return [[] for _ in texts]
        if sum(map(len, texts)) > MOST:
            raise ScannerError(f"more than {MOST:,} characters are not scanned at once")
        async with self._turn:
            answer = await self._asked(texts)
        return _spans(answer, texts)

    async def aclose(self) -> None:
        """End the child."""
        async with self._turn:
            await self._lost()

    async def _asked(self, texts: Sequence[str]) -> dict[str, Any]:
        child = await self._ready()
        try:
            async with asyncio.timeout(self._patience_s):
                await child.tell({"texts": list(texts)})
                return await child.hear(_ANSWER)
        except Ended as ended:
            await self._lost()
            raise ScannerError(f"the scanner is gone: {ended.how}") from ended
        except TimeoutError as error:
            await self._lost()
            raise ScannerError(f"no answer within {self._patience_s:g} s") from error
        except BaseException:  # cancelled: what it will say belongs to nobody
            await self._lost()
            raise

    async def _ready(self) -> Child:
        if self._child is not None and not self._child.alive:
            await self._lost()
        if self._child is None:
            self._child = Child(self._module)
        try:
            await self._child.ready()
        except Ended as ended:
            await self._lost()
            raise ScannerError(f"the scanner cannot be started: {ended.how}") from ended
        return self._child

    async def _lost(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()


def _spans(answer: dict[str, Any], texts: Sequence[str]) -> list[list[Span]]:
    """Return what the child said, if it fits the texts that it was asked about."""
    try:
        found = [
            [Span(0, len(text), NOT_SCANNED)]
            if spans is None
            else [Span(int(start), int(end), str(rule)) for start, end, rule in spans]
            for text, spans in zip(texts, answer["found"], strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ScannerError("the scanner said what nobody can read") from error
    fits = all(
        0 <= span.start <= span.end <= len(text)
        for text, spans in zip(texts, found, strict=False)
        for span in spans
    )
    if not fits:
        raise ScannerError("the scanner spoke of another text")
    return found
