"""What the pages show on which people write into a timeline and make views of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.export import Moment

from interlock_gateway.web.page_views import IncidentRow, Page, Problem


@dataclass(frozen=True, slots=True)
class HypothesisRow:
    """One hypothesis as the page shows it; `number` is the one of the event that opened it."""

    id: str
    state: str
    confidence: str
    text: str
    last: str
    number: int


@dataclass(frozen=True, slots=True)
class WritingView:
    """The page on which people write.

    Attributes:
        sheet: where the incident stands, in lines.
        form: which form was refused; "" for none.
        typed: what was typed into it, so that nothing is lost.
        milestones: (word, title) of each that can be marked.
    """

    page: Page
    incident: IncidentRow
    sheet: tuple[str, ...]
    hypotheses: tuple[HypothesisRow, ...]
    milestones: tuple[tuple[str, str], ...]
    form: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    def was(self, form: str, name: str) -> str:
        """Return what was typed into a field of the form that was refused, or ""."""
        return self.typed.get(name, "") if form == self.form else ""


@dataclass(frozen=True, slots=True)
class ViewRow:
    """An item of a view that is edited: an event with what happened, or a heading."""

    order: str
    event: str
    heading: str
    text: str
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class ViewingView:
    """The page on which a view is made.

    Attributes:
        name, version: which view, and which version of it; 0 where nobody saved one.
        others: moments that it does not pick, the latest ones where they are many.
        left: how many more there are.
        hide: what it leaves out; `hideable` is all that it could.
        versions: (name, version, by, at) of everything that was saved.
    """

    page: Page
    incident: IncidentRow
    name: str
    version: int
    rows: tuple[ViewRow, ...]
    others: tuple[Moment, ...]
    left: int
    hide: tuple[str, ...]
    hideable: tuple[str, ...]
    versions: tuple[tuple[str, int, str, str], ...] = ()
    picked: frozenset[str] = frozenset()
    problem: Problem | None = None
