"""PromQL, understood whole or refused: which series it selects, and how far it reaches.

A parser by recursive descent over an allow-list. It knows no types and no precedence, since
neither changes what is read: Prometheus checks types, and refuses what does not fit. What it does
know is every selector with its windows and offsets, and every subquery around it.
"""

from dataclasses import dataclass, replace

from interlock_gateway.core.telemetry.lexer import PROMQL, Kind
from interlock_gateway.core.telemetry.reading import Demand, Query, Reading, most
from interlock_gateway.core.telemetry.values import Role, Values
from interlock_gateway.core.telemetry.words import (
    AGGREGATORS,
    FUNCTIONS,
    MATCHERS,
    NUMBERS,
    OPERATORS,
    RESERVED,
)

LOOKBACK_S = 300.0
"""Seconds for which Prometheus takes a sample to be the present one, unless configured."""


def understood(source: str, values: Values) -> Query:
    """Return the query that `source` and its parameters' values make.

    Raises:
        TelemetryError: `not-understood`, or `bad-arguments` for a value that is missing, left
            over, or of another kind than its place takes.
    """
    parser = _Parser(source, values, PROMQL)
    return parser.query(parser.ended(parser.expression()))


@dataclass(slots=True)
class _Parser(Reading):
    # --- expressions ----------------------------------------------------------------------------

    operators = OPERATORS

    def operand(self) -> Demand:
        while self.follows("+", "-"):
            self.at += 1
        return self._extended(self._primary())

    def _primary(self) -> Demand:
        match self.now.kind:
            case Kind.NUMBER | Kind.STRING:
                self.at += 1
                return Demand()
            case Kind.PARAMETER:
                self.parameter(Role.NUMBER)
                return Demand()
            case Kind.NAME:
                return self._named()
        if self.follows("("):
            return self.in_parentheses()
        if self.follows("{"):
            return self._selector("")
        raise self.refused("Here a value or the name of a metric is missing.")

    def _named(self) -> Demand:
        word = self.word()
        following = self.ahead
        if word in AGGREGATORS and following.text.lower() in ("(", "by", "without"):
            return self._aggregated()
        if word in NUMBERS:
            self.at += 1
            return Demand()
        if following.text == "(":
            return self._called()
        if word in RESERVED:
            raise self.refused(f"`{self.now.text}` is a word of PromQL and no metric.")
        return self._selector(self.take().text)

    def _aggregated(self) -> Demand:
        self.at += 1
        grouped = self.grouping()
        demand = self._arguments()
        if not grouped:
            self.grouping()
        return demand

    def _called(self) -> Demand:
        name = self.now.text
        if name not in FUNCTIONS:
            raise self.unknown_function(name, [*FUNCTIONS, *AGGREGATORS])
        self.at += 1
        return self._arguments()

    def _arguments(self) -> Demand:
        return most(*self.listed(self.expression, "(", ")"))

    # --- selectors, windows, offsets ------------------------------------------------------------

    def _selector(self, name: str) -> Demand:
        start = self.tokens[self.at - 1] if name else self.now
        if self.follows("{"):
            self.at += 1
            while not self.follows("}"):
                name = self._matcher(name)
                if not self.follows("}"):
                    self.expect(",", end="}")
            self.expect("}")
        if not name:
            raise self.refused(
                "A selector names its metric, since otherwise it reads every series.", start
            )
        return Demand(back_s=LOOKBACK_S, metrics=(name,), selectors=1)

    def _matcher(self, name: str) -> str:
        """Read one matcher; return the metric's name, which may stand in it."""
        label, sign = self.label(), self.take()
        if sign.text not in MATCHERS or sign.kind is not Kind.SIGN:
            raise self.refused("Here =, !=, =~ or !~ is missing.", sign)
        token = self.now
        if token.kind is Kind.PARAMETER and label != "__name__":
            self.parameter(Role.PATTERN if "~" in sign.text else Role.LABEL)
            return name
        if token.kind is not Kind.STRING:
            raise self.refused("Here a text in quotes, or a :name, is missing.")
        self.at += 1
        if label != "__name__":
            return name
        if name or sign.text != "=" or "\\" in token.text or not token.text[1:-1]:
            raise self.refused("`__name__` takes one name, by `=`.", token)
        return token.text[1:-1]

    def _extended(self, demand: Demand) -> Demand:
        """Read what follows an operand: a window, a subquery, an offset."""
        ranged = False
        while True:
            if self.follows("["):
                demand, ranged = self._window(demand, ranged=ranged), True
            elif self.word() == "offset":
                demand = replace(demand, back_s=demand.back_s + self.offset())
            elif self.follows("@"):
                raise self.refused("`@` is not sent; give start and end instead.")
            else:
                return demand

    def _window(self, demand: Demand, *, ranged: bool) -> Demand:
        self.expect("[")
        span = self.duration()
        if self.follows("]"):
            if ranged:
                raise self.refused("Two windows follow each other.")
            self.at += 1
            return replace(demand, window_s=demand.window_s + span, back_s=demand.back_s + span)
        if self.now.kind is Kind.PARAMETER:
            raise self.refused(f"Write `:{self.now.text}` for the step of a subquery.")
        self.expect(":")
        if self.follows("]"):
            raise self.refused("A subquery names its step, as in [1h:1m].")
        step = self.duration()
        self.expect("]")
        return Demand(
            window_s=demand.window_s + span,
            back_s=demand.back_s + span,
            evaluations=demand.evaluations * (int(span // step) + 1),
            step_s=min(filter(None, (demand.step_s, step))),
            metrics=demand.metrics,
            selectors=demand.selectors,
        )
