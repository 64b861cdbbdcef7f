"""The SQL guard: what a statement would do, proven before anything runs it."""

from interlock_gateway.core.statement.catalogue import Catalogue
from interlock_gateway.core.statement.classify import classify, classify_source
from interlock_gateway.core.statement.delivery import shown_rows, shown_words
from interlock_gateway.core.statement.errors import StatementError
from interlock_gateway.core.statement.excerpt import excerpt
from interlock_gateway.core.statement.explaining import Explanation, advice, pointed
from interlock_gateway.core.statement.following import NOT_IN_CATALOGUE
from interlock_gateway.core.statement.masking import with_masks
from interlock_gateway.core.statement.naming import with_names
from interlock_gateway.core.statement.preview import Preview, preview_of
from interlock_gateway.core.statement.translate import source_position, translate
from interlock_gateway.core.statement.undo import changed_table, undo_of

__all__ = [
    "NOT_IN_CATALOGUE",
    "Catalogue",
    "Explanation",
    "Preview",
    "StatementError",
    "advice",
    "changed_table",
    "classify",
    "classify_source",
    "excerpt",
    "pointed",
    "preview_of",
    "shown_rows",
    "shown_words",
    "source_position",
    "translate",
    "undo_of",
    "with_masks",
    "with_names",
]
