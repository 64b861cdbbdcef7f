"""A query read token by token: what PromQL and LogQL have in common.

A value goes into the text as one literal, and the whole text is read again afterwards: its tokens
must be those that were understood, with the literals in the parameters' places.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import ClassVar

from interlock_gateway.core.telemetry.errors import TelemetryError
from interlock_gateway.core.telemetry.lexer import Kind, Language, Token, duration_s, tokens
from interlock_gateway.core.telemetry.values import GIVE, Role, Values, literal

MAX_DEPTH = 24
"""How deep a query may nest."""

MAX_SELECTORS = 16
"""How often a query may select."""

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
"""What `bool` may follow."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one evaluation of a query reads, the most of everything in it.

    Attributes:
        window_s: seconds of one selector's window and of the subqueries around it, together.
        back_s: seconds before the moment of evaluation that a sample may lie.
        evaluations: how often a selector is evaluated, through subqueries.
        step_s: the finest step of a subquery, in seconds; 0 where there is none.
        metrics: the metrics selected, in order, each once; of LogQL the labels it selects by.
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


def most(*demands: Demand) -> Demand:
    """Return what all of `demands` come to, the most of each."""
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
class Reading:
    """Where a parser stands in a query, and what it took so far.

    Attributes:
        source: the author's text.
        values: a value for each parameter.
        language: whose tokens these are.
        at: the token that comes next.
        depth: how deep it is nested there.
        names, literals: the parameters that were taken, and what stands in their places.
        operators: what stands between two operands.
    """

    operators: ClassVar[frozenset[str]] = frozenset()

    source: str
    values: Values
    language: Language
    tokens: list[Token] = field(init=False)
    at: int = 0
    depth: int = 0
    names: list[str] = field(default_factory=list)
    literals: list[tuple[Token, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = tokens(self.source, self.language)

    # --- looking and taking ---------------------------------------------------------------------

    @property
    def now(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    @property
    def ahead(self) -> Token:
        """The token behind that one; at the end, the end."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Return the token that comes next, and go past it; the end stays."""
        token = self.now
        self.at += token.kind is not Kind.END
        return token

    def follows(self, *signs: str) -> bool:
        """Tell whether one of `signs` comes next."""
        return self.now.kind is Kind.SIGN and self.now.text in signs

    def word(self) -> str:
        """Return the word that comes next, in lower case, or ""."""
        return self.now.text.lower() if self.now.kind is Kind.NAME else ""

    def expect(self, sign: str, *, end: str = "") -> None:
        """Take `sign`; `end` is what could have stood here as well."""
        if not self.follows(sign):
            missing = f"`{sign}` or `{end}`" if end else f"`{sign}`"
            raise self.refused(f"Here a {missing} is missing.")
        self.at += 1

    def refused(self, message: str, token: Token | None = None) -> TelemetryError:
        """Return the refusal that points at `token`, or at the one that comes next."""
        position = (token or self.now).start
        return TelemetryError(
            "not-understood", message, position=position, help=self.language.plainer
        )

    # --- what both languages write alike --------------------------------------------------------

    def nested(self, read: Callable[[], Demand]) -> Demand:
        """Read one level deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refused(f"A query may nest {MAX_DEPTH} deep.")
        demand = read()
        self.depth -= 1
        return demand

    def expression(self) -> Demand:
        """Read operands and what stands between them."""
        return self.nested(self._operands)

    def _operands(self) -> Demand:
        found = [self.operand()]
        while self._operator():
            found.append(self.operand())
        return most(*found)

    def operand(self) -> Demand:
        """Read one operand; each language has its own."""
        raise NotImplementedError  # PromQL and LogQL each read theirs

    def _operator(self) -> bool:
        sign = self.now.text if self.now.kind is Kind.SIGN else self.word()
        if sign not in self.operators:
            return False
        self.at += 1
        self.matching(sign)
        return True

    def in_parentheses(self) -> Demand:
        """Read an expression with its parentheses."""
        self.expect("(")
        demand = self.expression()
        self.expect(")")
        return demand

    def unknown_function(self, name: str, known: Collection[str]) -> TelemetryError:
        """Return the refusal of a function, with the one that was meant."""
        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return self.refused(f"The function {name[:60]} is not known here.{hint}")

    def matching(self, sign: str) -> None:
        """Read what may follow a binary operator: `bool`, and which labels have to be alike."""
        if self.word() == "bool":
            if sign not in COMPARISONS:
                raise self.refused("`bool` follows a comparison only.")
            self.at += 1
        if self.word() in ("on", "ignoring"):
            self.at += 1
            self.labels()
            if self.word() in ("group_left", "group_right"):
                self.at += 1
                if self.follows("("):
                    self.labels()

    def grouping(self) -> bool:
        """Read `by (…)` or `without (…)`, if that comes next, and tell whether it did."""
        if self.word() not in ("by", "without"):
            return False
        self.at += 1
        self.labels()
        return True

    def listed(self, read: Callable[[], Demand], opening: str, closing: str) -> list[Demand]:
        """Return what `read` gives, as often as it stands between two signs."""
        self.expect(opening)
        found: list[Demand] = []
        while not self.follows(closing):
            found.append(read())
            if self.follows(closing):
                break
            self.expect(",", end=closing)
            if self.follows(closing) and not self.language.trails:
                raise self.refused("Nothing follows this comma.", self.tokens[self.at - 1])
        self.expect(closing)
        return found

    def labels(self) -> None:
        """Read names of labels in parentheses."""
        self.listed(self._labelled, "(", ")")

    def _labelled(self) -> Demand:
        self.label()
        return Demand()

    def label(self) -> str:
        """Take the name of a label."""
        token = self.take()
        if token.kind is not Kind.NAME or ":" in token.text:
            raise self.refused("Here the name of a label is missing.", token)
        return token.text

    def duration(self) -> float:
        """Take a duration, or a parameter for one, and return its seconds."""
        token = self.now
        if token.kind is Kind.PARAMETER:
            text = self.parameter(Role.DURATION)
        elif token.kind is Kind.DURATION:
            self.at += 1
            text = token.text
        else:
            raise self.refused("Here a duration such as 5m is missing.")
        seconds = duration_s(text)
        if not seconds:
            raise self.refused(f"{text[:40]} is no duration such as 1h30m.", token)
        return seconds

    def offset(self) -> float:
        """Take what follows the word `offset`."""
        self.at += 1
        if self.follows("-"):
            raise self.refused("An offset into the future is not sent.")
        return self.duration()

    def parameter(self, role: Role) -> str:
        """Take a parameter, and return the literal that stands for it."""
        token = self.take()
        name = token.text[1:]
        if name not in self.values:
            raise TelemetryError(
                "bad-arguments", f":{name} has no value.", position=token.start, help=GIVE
            )
        made = literal(name, self.values[name], role, token.start)
        self.names.append(name)
        self.literals.append((token, made))
        return made

    # --- the end --------------------------------------------------------------------------------

    def ended(self, demand: Demand) -> Demand:
        """Return `demand` once nothing is left over; what follows a whole query is refused."""
        if self.now.kind is not Kind.END:
            raise self.refused("This follows a query that is already whole.")
        if demand.selectors > MAX_SELECTORS:
            raise self.refused(f"A query may select {MAX_SELECTORS} times.", self.tokens[0])
        unused = sorted(set(self.values) - set(self.names))
        if unused:
            raise TelemetryError(
                "bad-arguments", f"No :{unused[0]} stands in the query.", help=GIVE
            )
        return demand

    def query(self, demand: Demand) -> Query:
        """Return the query, once its text reads as what was understood."""
        return Query(self._spliced(), tuple(dict.fromkeys(self.names)), demand)

    def _spliced(self) -> str:
        pieces, at = [], 0
        for token, made in self.literals:
            pieces += [self.source[at : token.start], made]
            at = token.start + len(token.text)
        text = "".join([*pieces, self.source[at:]])
        made_of = {token.start: made for token, made in self.literals}
        expected = [pair for token in self.tokens for pair in self._pairs(token, made_of)]
        if [(token.kind, token.text) for token in tokens(text, self.language)] != expected:
            raise TelemetryError(
                "not-understood", "A value does not stay a value in this place.", help=GIVE
            )
        return text

    def _pairs(self, token: Token, made_of: dict[int, str]) -> Iterator[tuple[Kind, str]]:
        if token.start in made_of and token.kind is Kind.PARAMETER:
            literals = tokens(made_of[token.start], self.language)[:-1]
            yield from ((one.kind, one.text) for one in literals)
        else:
            yield token.kind, token.text
