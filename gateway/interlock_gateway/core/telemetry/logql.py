"""LogQL, understood whole or refused: lines of streams, or numbers made of them.

A parser by recursive descent over an allow-list. Unlike PromQL's, a selector of LogQL stands in a
function over a window or alone, so both kinds of query are told apart here. Sources: the Loki
documentation, "LogQL: Log query language" and the pages below it, version 3.
"""

from dataclasses import dataclass

from interlock_gateway.core.telemetry.lexer import LOGQL, Kind
from interlock_gateway.core.telemetry.pipeline import Pipeline
from interlock_gateway.core.telemetry.reading import Demand, Query
from interlock_gateway.core.telemetry.values import Role, Values
from interlock_gateway.core.telemetry.words import (
    GROUPED,
    LOG_AGGREGATORS,
    LOG_OPERATORS,
    OF_LINES,
    OF_VALUES,
    SORTING,
)

_KNOWN = (*OF_LINES, *OF_VALUES, *LOG_AGGREGATORS, *SORTING, "vector", "label_replace")
_REPLACED = 4  # texts that `label_replace` takes


@dataclass(frozen=True, slots=True)
class LogQuery(Query):
    """A query of LogQL that was understood.

    Attributes:
        lines: whether it gives lines; otherwise it gives numbers.
    """

    lines: bool = False


def understood(source: str, values: Values) -> LogQuery:
    """Return the query that `source` and its parameters' values make.

    Raises:
        TelemetryError: `not-understood`, or `bad-arguments` for a value that is missing, left
            over, or of another kind than its place takes.
    """
    parser = _Parser(source, values, LOGQL)
    lines = parser.follows("{")
    demand = parser.ended(parser.lines() if lines else parser.expression())
    query = parser.query(demand)
    return LogQuery(query.text, query.names, query.demand, lines)


@dataclass(slots=True)
class _Parser(Pipeline):
    operators = LOG_OPERATORS

    def lines(self) -> Demand:
        """Read a query for lines."""
        self.selector()
        self.stages(ranged=False)
        if self.follows("["):
            raise self.refused("A window stands in a function, as in rate({…}[5m]).")
        return self._selecting()

    def _selecting(self, window_s: float = 0.0, back_s: float = 0.0) -> Demand:
        labels = tuple(dict.fromkeys(self.selected))
        return Demand(window_s=window_s, back_s=back_s, metrics=labels, selectors=1)

    # --- expressions ----------------------------------------------------------------------------

    def operand(self) -> Demand:
        if self.follows("+", "-") and self.ahead.kind is Kind.NUMBER:
            self.at += 1
        match self.now.kind:
            case Kind.NUMBER | Kind.PARAMETER:
                return self._number()
            case Kind.NAME:
                return self._called()
        if self.follows("("):
            return self.in_parentheses()
        if self.follows("{"):
            raise self.refused("Lines are no numbers; count them, as in rate({…}[5m]).")
        raise self.refused("Here a number or a function is missing.")

    def _number(self) -> Demand:
        if self.now.kind is Kind.PARAMETER:
            self.parameter(Role.NUMBER)
        elif self.now.kind is Kind.NUMBER:
            self.at += 1
        else:
            raise self.refused("Here a number is missing.")
        return Demand()

    def _called(self) -> Demand:
        word = self.word()
        if word in OF_LINES or word in OF_VALUES:
            return self._over_window()
        if word in LOG_AGGREGATORS:
            return self._aggregated()
        if word in SORTING:
            self.at += 1
            return self.in_parentheses()
        if word == "vector":
            self.at += 1
            [demand] = self._arguments(1)
            return demand
        if word == "label_replace":
            return self._label_replaced()
        raise self.unknown_function(word, _KNOWN)

    def _arguments(self, count: int) -> list[Demand]:
        start = self.now
        found = self.listed(self._number, "(", ")")
        if len(found) != count:
            raise self.refused("Here one number in parentheses is missing.", start)
        return found

    def _aggregated(self) -> Demand:
        word = self.take().text
        grouped = self.grouping()
        if word in ("topk", "bottomk"):
            self.expect("(")
            self._number()
            self.expect(",")
            demand = self.expression()
            self.expect(")")
        else:
            demand = self.in_parentheses()
        if not grouped:
            self.grouping()
        return demand

    def _label_replaced(self) -> Demand:
        self.at += 1
        self.expect("(")
        demand = self.expression()
        for place in range(1, _REPLACED + 1):
            self.expect(",")
            token = self.now
            text = self.text()
            if place == _REPLACED:
                self.checked(text, token)
        self.expect(")")
        return demand

    # --- windows --------------------------------------------------------------------------------

    def _over_window(self) -> Demand:
        start = self.take()
        self.expect("(")
        if start.text == "quantile_over_time":
            self._number()
            self.expect(",")
        demand, unwraps = self._window()
        self.expect(")")
        if start.text not in (OF_VALUES if unwraps else OF_LINES):
            how = "without `unwrap`" if unwraps else "with `| unwrap LABEL`"
            raise self.refused(f"{start.text} takes lines {how} before the window.", start)
        if start.text in GROUPED and unwraps:
            self.grouping()
        return demand

    def _window(self) -> tuple[Demand, bool]:
        """Read a selector with a window, which stands before its stages or behind them."""
        if not self.follows("{"):
            raise self.refused('Here a selector such as {app="api"} is missing.')
        self.selector()
        count, unwraps = self.stages(ranged=True)
        if not self.follows("["):
            raise self.refused("Here a window such as [5m] is missing.")
        self.at += 1
        window_s = self.duration()
        self.expect("]")
        back_s = self.offset() if self.word() == "offset" else 0.0
        if not count:
            _, unwraps = self.stages(ranged=True)
        return self._selecting(window_s, window_s + back_s), unwraps
