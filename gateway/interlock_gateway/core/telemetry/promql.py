"""PromQL, understood whole or refused: which series it selects, and how far it reaches.

A parser by recursive descent over an allow-list. It knows no types and no precedence, since
neither changes what is read: Prometheus checks types, and refuses what does not fit. What it does
know is every selector with its windows and offsets, and every subquery around it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from interlock_gateway.core.telemetry.errors import TelemetryError
from interlock_gateway.core.telemetry.lexer import PLAINER, Kind, Token, duration_s, tokens
from interlock_gateway.core.telemetry.values import GIVE, Role, Values, literal
from interlock_gateway.core.telemetry.words import (
    AGGREGATORS,
    COMPARISONS,
    FUNCTIONS,
    MATCHERS,
    NUMBERS,
    OPERATORS,
    RESERVED,
)

LOOKBACK_S = 300.0
"""Seconds for which Prometheus takes a sample to be the present one, unless configured."""

MAX_DEPTH = 24
MAX_SELECTORS = 16


@dataclass(frozen=True, slots=True)
class Demand:
    """What one evaluation of a query reads, the most of everything in it.

    Attributes:
        window_s: seconds of one selector's window and of the subqueries around it, together.
        back_s: seconds before the moment of evaluation that a sample may lie.
        evaluations: how often a selector is evaluated, through subqueries.
        step_s: the finest step of a subquery, in seconds; 0 where there is none.
        metrics: the metrics selected, in order, each once.
        selectors: how many selectors there are.
    """

    window_s: float = 0.0
    back_s: float = 0.0
    evaluations: int = 1
    step_s: float = 0.0
    metrics: tuple[str, ...] = ()
    selectors: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood.

    Attributes:
        text: what is sent, every parameter replaced by its literal.
        names: the parameters that stand in it, each once.
        demand: how far it reaches.
    """

    text: str
    names: tuple[str, ...]
    demand: Demand


def understood(source: str, values: Values) -> Query:
    """Return the query that `source` and its parameters' values make.

    Raises:
        TelemetryError: `not-understood`, or `bad-arguments` for a value that is missing, left
            over, or of another kind than its place takes.
    """
    parser = _Parser(source, tokens(source), values)
    demand = parser.whole()
    unused = sorted(set(values) - set(parser.names))
    if unused:
        raise TelemetryError("bad-arguments", f"No :{unused[0]} stands in the query.", help=GIVE)
    return Query(_spliced(source, parser), tuple(dict.fromkeys(parser.names)), demand)


def _spliced(source: str, parser: "_Parser") -> str:
    """Return the text with literals in place, once it reads as what was understood."""
    pieces, at = [], 0
    for token, made in parser.literals:
        pieces += [source[at : token.start], made]
        at = token.start + len(token.text)
    text = "".join([*pieces, source[at:]])
    made_of = {token.start: made for token, made in parser.literals}
    expected = [pair for token in parser.tokens for pair in _pairs(token, made_of)]
    if [(token.kind, token.text) for token in tokens(text)] != expected:
        raise TelemetryError(
            "not-understood", "A value does not stay a value in this place.", help=GIVE
        )
    return text


def _pairs(token: Token, made_of: dict[int, str]) -> Iterator[tuple[Kind, str]]:
    if token.start in made_of and token.kind is Kind.PARAMETER:
        yield from ((one.kind, one.text) for one in tokens(made_of[token.start])[:-1])
    else:
        yield token.kind, token.text


def _most(*demands: Demand) -> Demand:
    steps = [one.step_s for one in demands if one.step_s]
    return Demand(
        max((one.window_s for one in demands), default=0.0),
        max((one.back_s for one in demands), default=0.0),
        max((one.evaluations for one in demands), default=1),
        min(steps, default=0.0),
        tuple(dict.fromkeys(name for one in demands for name in one.metrics)),
        sum(one.selectors for one in demands),
    )


@dataclass(slots=True)
class _Parser:
    source: str
    tokens: list[Token]
    values: Values
    at: int = 0
    depth: int = 0
    names: list[str] = field(default_factory=list)
    literals: list[tuple[Token, str]] = field(default_factory=list)

    def whole(self) -> Demand:
        """Read everything; what follows a whole expression is refused."""
        demand = self._expression()
        if self._now.kind is not Kind.END:
            raise self._refused("This follows a query that is already whole.")
        if demand.selectors > MAX_SELECTORS:
            raise self._refused(f"A query may select {MAX_SELECTORS} times.", self.tokens[0])
        return demand

    # --- looking and taking ---------------------------------------------------------------------

    @property
    def _now(self) -> Token:
        return self.tokens[self.at]

    def _take(self) -> Token:
        token = self._now
        self.at += token.kind is not Kind.END
        return token

    def _is(self, *signs: str) -> bool:
        return self._now.kind is Kind.SIGN and self._now.text in signs

    def _word(self) -> str:
        return self._now.text.lower() if self._now.kind is Kind.NAME else ""

    def _expect(self, sign: str, *, end: str = "") -> None:
        """Take `sign`; `end` is what could have stood here as well."""
        if not self._is(sign):
            missing = f"`{sign}` or `{end}`" if end else f"`{sign}`"
            raise self._refused(f"Here a {missing} is missing.")
        self.at += 1

    def _refused(self, message: str, token: Token | None = None) -> TelemetryError:
        position = (token or self._now).start
        return TelemetryError("not-understood", message, position=position, help=PLAINER)

    # --- expressions ----------------------------------------------------------------------------

    def _expression(self) -> Demand:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._refused(f"A query may nest {MAX_DEPTH} deep.")
        found = [self._operand()]
        while self._operator():
            found.append(self._operand())
        self.depth -= 1
        return _most(*found)

    def _operator(self) -> bool:
        sign = self._now.text if self._now.kind is Kind.SIGN else self._word()
        if sign not in OPERATORS:
            return False
        self.at += 1
        if self._word() == "bool":
            if sign not in COMPARISONS:
                raise self._refused("`bool` follows a comparison only.")
            self.at += 1
        if self._word() in ("on", "ignoring"):
            self.at += 1
            self._labels()
            if self._word() in ("group_left", "group_right"):
                self.at += 1
                if self._is("("):
                    self._labels()
        return True

    def _operand(self) -> Demand:
        while self._is("+", "-"):
            self.at += 1
        return self._extended(self._primary())

    def _primary(self) -> Demand:
        token = self._now
        match token.kind:
            case Kind.NUMBER | Kind.STRING:
                self.at += 1
                return Demand()
            case Kind.PARAMETER:
                self._parameter(Role.NUMBER)
                return Demand()
            case Kind.NAME:
                return self._named()
        if self._is("("):
            self.at += 1
            inner = self._expression()
            self._expect(")")
            return inner
        if self._is("{"):
            return self._selector("")
        raise self._refused("Here a value or the name of a metric is missing.")

    def _named(self) -> Demand:
        word = self._word()
        follows = self.tokens[self.at + 1]
        if word in AGGREGATORS and follows.text.lower() in ("(", "by", "without"):
            return self._aggregated()
        if word in NUMBERS:
            self.at += 1
            return Demand()
        if follows.text == "(":
            return self._called()
        if word in RESERVED:
            raise self._refused(f"`{self._now.text}` is a word of PromQL and no metric.")
        return self._selector(self._take().text)

    def _aggregated(self) -> Demand:
        self.at += 1
        grouped = self._grouping()
        demand = self._arguments()
        if not grouped:
            self._grouping()
        return demand

    def _grouping(self) -> bool:
        if self._word() not in ("by", "without"):
            return False
        self.at += 1
        self._labels()
        return True

    def _called(self) -> Demand:
        name = self._now.text
        if name not in FUNCTIONS:
            close = get_close_matches(name, [*FUNCTIONS, *AGGREGATORS], n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise self._refused(f"The function {name[:60]} is not known here.{hint}")
        self.at += 1
        return self._arguments()

    def _arguments(self) -> Demand:
        self._expect("(")
        found = []
        while not self._is(")"):
            found.append(self._expression())
            if not self._is(")"):
                self._expect(",", end=")")
        self._expect(")")
        return _most(*found)

    def _labels(self) -> None:
        self._expect("(")
        while not self._is(")"):
            self._label()
            if not self._is(")"):
                self._expect(",", end=")")
        self._expect(")")

    def _label(self) -> str:
        token = self._take()
        if token.kind is not Kind.NAME or ":" in token.text:
            raise self._refused("Here the name of a label is missing.", token)
        return token.text

    # --- selectors, windows, offsets ------------------------------------------------------------

    def _selector(self, name: str) -> Demand:
        start = self.tokens[self.at - 1] if name else self._now
        if self._is("{"):
            self.at += 1
            while not self._is("}"):
                name = self._matcher(name)
                if not self._is("}"):
                    self._expect(",", end="}")
            self._expect("}")
        if not name:
            raise self._refused(
                "A selector names its metric, since otherwise it reads every series.", start
            )
        return Demand(back_s=LOOKBACK_S, metrics=(name,), selectors=1)

    def _matcher(self, name: str) -> str:
        """Read one matcher; return the metric's name, which may stand in it."""
        label, sign = self._label(), self._take()
        if sign.text not in MATCHERS or sign.kind is not Kind.SIGN:
            raise self._refused("Here =, !=, =~ or !~ is missing.", sign)
        token = self._now
        if token.kind is Kind.PARAMETER and label != "__name__":
            self._parameter(Role.PATTERN if "~" in sign.text else Role.LABEL)
            return name
        if token.kind is not Kind.STRING:
            raise self._refused("Here a text in quotes, or a :name, is missing.")
        self.at += 1
        if label != "__name__":
            return name
        if name or sign.text != "=" or "\\" in token.text or not token.text[1:-1]:
            raise self._refused("`__name__` takes one name, by `=`.", token)
        return token.text[1:-1]

    def _extended(self, demand: Demand) -> Demand:
        """Read what follows an operand: a window, a subquery, an offset."""
        ranged = False
        while True:
            if self._is("["):
                demand, ranged = self._window(demand, ranged=ranged), True
            elif self._word() == "offset":
                self.at += 1
                if self._is("-"):
                    raise self._refused("An offset into the future is not sent.")
                demand = replace(demand, back_s=demand.back_s + self._duration())
            elif self._is("@"):
                raise self._refused("`@` is not sent; give start and end instead.")
            else:
                return demand

    def _window(self, demand: Demand, *, ranged: bool) -> Demand:
        self._expect("[")
        span = self._duration()
        if self._is("]"):
            if ranged:
                raise self._refused("Two windows follow each other.")
            self.at += 1
            return replace(demand, window_s=demand.window_s + span, back_s=demand.back_s + span)
        if self._now.kind is Kind.PARAMETER:
            raise self._refused(f"Write `:{self._now.text}` for the step of a subquery.")
        self._expect(":")
        if self._is("]"):
            raise self._refused("A subquery names its step, as in [1h:1m].")
        step = self._duration()
        self._expect("]")
        return Demand(
            window_s=demand.window_s + span,
            back_s=demand.back_s + span,
            evaluations=demand.evaluations * (int(span // step) + 1),
            step_s=min(filter(None, (demand.step_s, step))),
            metrics=demand.metrics,
            selectors=demand.selectors,
        )

    def _duration(self) -> float:
        token = self._now
        if token.kind is Kind.PARAMETER:
            text = self._parameter(Role.DURATION)
        elif token.kind is Kind.DURATION:
            self.at += 1
            text = token.text
        else:
            raise self._refused("Here a duration such as 5m is missing.")
        seconds = duration_s(text)
        if not seconds:
            raise self._refused(f"{text[:40]} is no duration such as 1h30m.", token)
        return seconds

    # --- parameters -----------------------------------------------------------------------------

    def _parameter(self, role: Role) -> str:
        token = self._take()
        name = token.text[1:]
        if name not in self.values:
            raise TelemetryError(
                "bad-arguments", f":{name} has no value.", position=token.start, help=GIVE
            )
        made = literal(name, self.values[name], role, token.start)
        self.names.append(name)
        self.literals.append((token, made))
        return made


Understand = Callable[[str, Values], Query]
"""Reads a query of one language."""
