"""The SQL guard of core, behind its port, with core's errors as the tree everybody knows."""

from interlock.errors import refusal

from interlock_gateway.adapters.classifier import Classifier
from interlock_gateway.core.model import Before, Classification, Statement, Target
from interlock_gateway.core.statement import (
    NOT_IN_CATALOGUE,
    StatementError,
    changed_table,
    excerpt,
    preview_of,
    translate,
    undo_of,
)
from interlock_gateway.service.ports import Preview
from interlock_gateway.service.targets import Catalogues, TargetError


class SqlGuard:
    """Implements `service.ports.Guard`."""

    def __init__(self, catalogues: Catalogues, classifier: Classifier) -> None:
        """Take what tells what the names in a target mean, and what proves statements."""
        self._catalogues = catalogues
        self._classifier = classifier

    def translate(self, dialect: str, source: str) -> Statement:
        """Return the statement with its engine's placeholders, or refuse."""
        try:
            return translate(dialect, source)
        except StatementError as error:
            at, line, shown = error.position, "", ""
            if at is not None:
                line, shown = f"character {at + 1}", excerpt(source, at)
            raise refusal(
                error.code, error.message, line=line, help=error.help, excerpt=shown
            ) from error

    async def classify(self, statement: Statement) -> Classification:
        """Return what the text alone proves."""
        return await self._classifier.classify(statement)

    async def classify_at(self, target: Target, statement: Statement) -> Classification:
        """Return what the text proves with the target's catalogue, or refuse."""
        try:
            names = await self._catalogues.catalogue(target)
            found = await self._classifier.classify(statement, names)
            if any(reason.what.startswith(NOT_IN_CATALOGUE) for reason in found.reasons):
                names = await self._catalogues.catalogue(target, fresh=True)
                found = await self._classifier.classify(statement, names)
        except TargetError as error:
            raise refusal(error.code, str(error)) from error
        return found

    def table(self, statement: Statement) -> tuple[str, ...]:
        """Return the table that a change names, as written, its schema first; or ()."""
        try:
            return changed_table(statement)
        except Exception:  # noqa: BLE001  whatever a parser does: then nothing is offered
            return ()

    def undo(self, statement: Statement, before: Before) -> str:
        """Return the statements that bring the rows of a change back, or "" if none is certain."""
        try:
            return undo_of(statement, before)
        except Exception:  # noqa: BLE001  whatever a parser does: then it is not offered
            return ""

    def preview(self, statement: Statement) -> Preview:
        """Return the reads that show what a mutation would change, or refuse."""
        found = preview_of(statement)
        if found.count is None and found.rows is None:
            raise refusal("preview-failed", found.note)
        return Preview(
            count=found.count,
            sample=found.sample,
            rows=found.rows or 0,
            table=found.table or "the table named in the statement",
            note=found.note,
            undo=_KEPT if found.image else _UNDO,
            image=found.image,
        )


_UNDO = "No statement that undoes this was derived. The preview shows rows as they were before."
_KEPT = (
    "Its rows are read right before they change, and kept; where a statement that brings them "
    "back is certain, it is offered with the outcome."
)
