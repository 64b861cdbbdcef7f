"""What LogQL says of lines: which streams, and the stages that filter, parse and write them.

Each text that Loki reads as something else (a pattern, a template, an address) is read here as
well, so that a query is understood down to its strings.
"""

import re
from dataclasses import dataclass, field

from interlock_gateway.core.telemetry import re2
from interlock_gateway.core.telemetry.lexer import Kind, Token, content
from interlock_gateway.core.telemetry.reading import Demand, Reading
from interlock_gateway.core.telemetry.template import MOST_GROWTH, TemplateError, growth
from interlock_gateway.core.telemetry.values import Role, is_address
from interlock_gateway.core.telemetry.words import CONVERSIONS, LOG_RESERVED, MATCHERS, STAGES

MOST_STAGES = 40
"""Stages of one pipeline."""

_LINE_FILTERS = ("|=", "!=", "|~", "!~", "|>", "!>")
_TEXT_OPERATORS = ("=", "!=", "=~", "!~")
_AMOUNT_OPERATORS = ("==", "=", "!=", ">", ">=", "<", "<=")
_AMOUNTS = (Kind.NUMBER, Kind.DURATION, Kind.BYTES)
_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
_BESIDE = re.compile(rf"{_CAPTURE.pattern}{_CAPTURE.pattern}")


@dataclass(slots=True)
class Pipeline(Reading):
    """Reads a selector and the stages behind it.

    Attributes:
        selected: the labels by which streams are selected, in order.
        grown: how many times as long the templates so far may make a line.
    """

    selected: list[str] = field(default_factory=list)
    grown: int = 1

    def word(self) -> str:
        """Return the word that comes next as it stands: LogQL has no capitals in its words."""
        return self.now.text if self.now.kind is Kind.NAME else ""

    def label(self) -> str:
        """Take the name of a label; a word of LogQL cannot be one."""
        if self.word() in LOG_RESERVED:
            raise self.refused(f"`{self.word()}` is a word of LogQL and no label.")
        return Reading.label(self)

    def selector(self) -> None:
        """Read `{…}`; one matcher of it must ask for something that is there."""
        start = self.now
        bound: list[bool] = []

        def matcher() -> Demand:
            bound.append(self._matcher())
            return Demand()

        self.listed(matcher, "{", "}")
        if not any(bound):
            raise self.refused(
                "A selector needs one matcher that empty text does not fit, such as "
                'app="api"; otherwise it reads every stream.',
                start,
            )

    def _matcher(self) -> bool:
        """Read one matcher, and tell whether only streams that have the label fit it."""
        label, sign = self.label(), self.take()
        if sign.kind is not Kind.SIGN or sign.text not in MATCHERS:
            raise self.refused("Here =, !=, =~ or !~ is missing.", sign)
        self.selected.append(label)
        empty = self._compared(sign.text)
        return not empty if sign.text in ("=", "=~") else empty

    def _compared(self, sign: str) -> bool:
        """Take the text, or the parameter, behind a matcher; tell whether empty text fits it."""
        if "~" in sign:
            return self._pattern()
        if self.now.kind is Kind.PARAMETER:
            return not content(self.parameter(Role.LABEL))
        return not self.text()

    # --- stages ---------------------------------------------------------------------------------

    def stages(self, *, ranged: bool) -> tuple[int, bool]:
        """Read the stages that come next: how many, and whether they end in `unwrap`.

        Args:
            ranged: whether a function of a metric query is around them.
        """
        count, unwraps = 0, False
        while self.follows("|", *_LINE_FILTERS):
            start, count = self.now, count + 1
            if count > MOST_STAGES:
                raise self.refused(f"A query may have {MOST_STAGES} stages.")
            kind = self._stage()
            if unwraps and kind != "filter":
                raise self.refused("Only filters of labels follow `unwrap`.", start)
            if kind == "unwrap" and not ranged:
                raise self.refused("`unwrap` stands in a metric query only.", start)
            unwraps = unwraps or kind == "unwrap"
        return count, unwraps

    def _stage(self) -> str:
        """Read one stage; return its word, or `filter` for one of labels, `line` of lines."""
        if not self.follows("|"):
            self._line_filter()
            return "line"
        self.at += 1
        word = self.word()
        if word in STAGES:
            self.at += 1
            self._read(word)
            return word
        if self.now.kind is not Kind.NAME and not self.follows("("):
            raise self.refused("Here a stage such as `json` or a filter is missing.")
        self.nested(self._label_filters)
        return "filter"

    def _read(self, stage: str) -> None:
        """Read what stands behind the word of a stage."""
        match stage:
            case "json":
                self._extraction()
            case "logfmt":
                self._logfmt()
            case "regexp":
                self._regexp()
            case "pattern":
                self._captures()
            case "line_format":
                self._line_format()
            case "label_format":
                self._label_format()
            case "keep" | "drop":
                self._kept()
            case "unwrap":
                self._unwrap()

    def _line_filter(self) -> None:
        sign = self.take().text
        self._sought(sign)
        while self.word() == "or":
            self.at += 1
            self._sought(sign)

    def _sought(self, sign: str) -> None:
        """Take what a line is to hold: a text, a pattern, or an address."""
        if sign.endswith(">"):
            token = self.now
            self._check_captures(self.text(), token, named=False)
        elif sign.endswith("~"):
            self._pattern()
        elif self.word() == "ip":
            self._ip()
        elif self.now.kind is Kind.PARAMETER:
            self.parameter(Role.LABEL)
        else:
            self.text()

    def _label_filters(self) -> Demand:
        self._predicate()
        while self.follows(",") or self.word() in ("and", "or"):
            self.at += 1
            self._predicate()
        return Demand()

    def _predicate(self) -> None:
        if self.follows("("):
            self.at += 1
            self.nested(self._label_filters)
            self.expect(")")
            return
        self.label()
        sign = self.take()
        text, amount = sign.text in _TEXT_OPERATORS, sign.text in _AMOUNT_OPERATORS
        if sign.kind is not Kind.SIGN or not (text or amount):
            raise self.refused("Here a comparison such as = or > is missing.", sign)
        if "~" in sign.text:
            self._pattern()
        elif text and self.word() == "ip":
            self._ip()
        elif text and self.now.kind is Kind.STRING:
            self.text()
        elif self.now.kind is Kind.PARAMETER:
            self.parameter(Role.VALUE if text else Role.AMOUNT)
        else:
            self._amount()

    def _amount(self) -> None:
        if self.follows("-"):
            self.at += 1
        if self.now.kind not in _AMOUNTS:
            raise self.refused("Here a number, a duration such as 5s or a size such as 5MB fits.")
        self.at += 1

    # --- what stands in stages ------------------------------------------------------------------

    def text(self) -> str:
        """Take a text in quotes, and return what it stands for."""
        if self.now.kind is not Kind.STRING:
            why = "; no :name can stand here" if self.now.kind is Kind.PARAMETER else ""
            raise self.refused(f"Here a text in quotes is missing{why}.")
        return content(self.take().text)

    def _pattern(self) -> bool:
        """Take a pattern, or values that are to match themselves; tell whether empty text fits."""
        token = self.now
        if token.kind is Kind.PARAMETER:
            pattern = content(self.parameter(Role.PATTERN))
        else:
            pattern = self.text()
        return self.checked(pattern, token)

    def checked(self, pattern: str, token: Token) -> bool:
        """Tell whether empty text fits a pattern that RE2 understands."""
        try:
            return re2.matches_nothing(pattern)
        except re2.PatternError as error:
            raise self.refused(str(error), token) from error

    def _ip(self) -> None:
        self.at += 1
        self.expect("(")
        token = self.now
        if token.kind is Kind.PARAMETER:
            self.parameter(Role.ADDRESS)
        elif not is_address(self.text()):
            raise self.refused("This is no address, range of addresses or CIDR.", token)
        self.expect(")")

    def _extraction(self) -> None:
        """Read which fields a parser takes out; without any it takes all."""
        while self.now.kind is Kind.NAME:
            self.label()
            if self.follows("="):
                self.at += 1
                self.text()
            if not self.follows(","):
                return
            self.at += 1
            if self.now.kind is not Kind.NAME:
                raise self.refused("Here the name of a label is missing.")

    def _logfmt(self) -> None:
        while self.now.kind is Kind.FLAG:
            self.at += 1
        self._extraction()

    def _regexp(self) -> None:
        token = self.now
        pattern = self.text()
        self.checked(pattern, token)
        if not re2.named_groups(pattern):
            raise self.refused("A `regexp` names what it takes out: `(?P<name>…)`.", token)

    def _captures(self) -> None:
        token = self.now
        self._check_captures(self.text(), token, named=True)

    def _check_captures(self, pattern: str, token: Token, *, named: bool) -> None:
        names = [name for name in _CAPTURE.findall(pattern) if name != "_"]
        if named and not names:
            raise self.refused("A `pattern` names what it takes out: `<name>`.", token)
        if not named and names:
            raise self.refused("Lines are compared with `<_>` alone, without names.", token)
        if _BESIDE.search(pattern) or len(set(names)) < len(names):
            raise self.refused("Captures need text between them, and a name each.", token)

    def _line_format(self) -> None:
        self._grow([self._template()])

    def _label_format(self) -> None:
        growths = []
        while True:
            self.label()
            self.expect("=")
            if self.now.kind is Kind.NAME:
                self.label()
            else:
                growths.append(self._template())
            if not self.follows(","):
                break
            self.at += 1
        self._grow(growths)

    def _template(self) -> int:
        token = self.now
        try:
            return growth(self.text())
        except TemplateError as error:
            raise self.refused(str(error), token) from error

    def _grow(self, growths: list[int]) -> None:
        self.grown *= max(growths, default=1)
        if self.grown > MOST_GROWTH:
            before = self.tokens[self.at - 1]
            message = f"Templates may make a line {MOST_GROWTH} times as long, all together."
            raise self.refused(message, before)

    def _kept(self) -> None:
        """Read labels of `keep` and `drop`, each with a matcher or without one."""
        while True:
            self.label()
            if self.follows(*_TEXT_OPERATORS):
                self._compared(self.take().text)
            if not self.follows(","):
                return
            self.at += 1

    def _unwrap(self) -> None:
        converts = self.ahead.text == "("
        if not converts:
            self.label()
            return
        if self.word() not in CONVERSIONS:
            known = ", ".join(sorted(CONVERSIONS))
            raise self.refused(f"`unwrap` converts by one of: {known}.")
        self.at += 1
        self.expect("(")
        self.label()
        self.expect(")")
