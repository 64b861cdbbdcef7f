"""`:name` becomes the engine's placeholder, and nothing else in the text changes."""

import re
from dataclasses import dataclass, field

from interlock_gateway.core.model import SQL, Dialect, Statement
from interlock_gateway.core.statement.errors import StatementError
from interlock_gateway.core.statement.lexer import MAX_BYTES, Landmark, Mark, landmarks
from interlock_gateway.core.statement.lexis import lexis

_PARAMETERS = "bad-sql-parameters"
_MAY_TRANSLATE = re.compile(r"[:$?@#]|%s")
_COLONS = {"subscript": "an array slice", "struct": "a value of it"}
_CONTEXT = 200  # characters looked back; more blanks than that count as no operand


_INSTEAD = {
    Dialect.PROMETHEUS: "Ask it in PromQL: `query_metrics(target, promql)`.",
    Dialect.LOKI: "Ask it in LogQL: `query_logs(target, logql, start=…)`.",
}


def dialect_of(name: str) -> Dialect:
    """Return the dialect called `name`.

    Raises:
        StatementError: no engine for it in this version, so nothing about it can be proven.
    """
    try:
        found = Dialect(name)
        if found in SQL:
            return found
    except ValueError:
        pass
    else:
        raise StatementError(
            "not-understood",
            f"{found} does not speak SQL.",
            position=None,
            help=_INSTEAD.get(found, "Change it by a catalogued action: `interlock actions`."),
        )
    known = ", ".join(SQL)
    raise StatementError(
        "not-understood",
        f"The dialect {name!r} is not supported: this version has no engine to prove it with.",
        position=None,
        help=f"Supported: {known}.",
    )


def translate(dialect: Dialect | str, source: str) -> Statement:
    """Return the statement whose exact bytes are classified, digested and sent.

    A name used twice shares one placeholder where the engine numbers them; elsewhere it is sent
    twice. Text without parameters is returned unchanged.

    Args:
        dialect: the engine's dialect.
        source: the author's text, with `:name` where values go.

    Raises:
        StatementError: an unsupported dialect, a raw placeholder (`$1`, `?`, `%s`), or a
            colon that could be a parameter as well as an array slice.
    """
    known = dialect_of(dialect)
    if len(source) > MAX_BYTES:
        raise StatementError(
            "not-understood",
            f"The statement has {len(source):,} characters; the limit is {MAX_BYTES:,} bytes.",
            position=None,
            help="Make it shorter.",
        )
    if not _MAY_TRANSLATE.search(source):
        return Statement(known, source, (), source)
    draft = _Draft(known, source)
    for landmark in landmarks(known, source):
        draft.take(landmark)
    return Statement(known, "".join(draft.pieces), tuple(draft.names), source)


@dataclass(slots=True)
class _Draft:
    dialect: Dialect
    source: str
    pieces: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    brackets: list[str] = field(default_factory=list)
    operand: bool = False

    def take(self, landmark: Landmark) -> None:
        """Append the landmark's translation; remember what the next one needs to know."""
        piece = self.source[landmark.start : landmark.end]
        match landmark.mark:
            case Mark.PARAMETER:
                piece = self._placeholder(landmark, piece[1:])
            case Mark.PLACEHOLDER:
                self._refuse_raw(landmark, piece)
            case Mark.PLAIN:
                self._refuse_percent(landmark, piece)
            case Mark.OPEN:
                self.brackets.append(self._bracket(landmark, piece))
            case Mark.CLOSE if self.brackets:
                self.brackets.pop()
            case _:
                pass
        self.pieces.append(piece)

    def _placeholder(self, landmark: Landmark, name: str) -> str:
        before = self.source[landmark.start - 1 : landmark.start]
        if self.brackets and self.brackets[-1] in _COLONS:
            raise StatementError(
                _PARAMETERS,
                f"`:{name}` inside a {self.brackets[-1]} could be {_COLONS[self.brackets[-1]]} "
                "or a parameter.",
                position=landmark.start,
                help=f"Write `(:{name})` for the parameter.",
            )
        if before and (before.isalnum() or before in "_$:'\"`"):
            raise StatementError(
                _PARAMETERS,
                f"`:{name}` touches what stands before it.",
                position=landmark.start,
                help="Put a blank between them.",
            )
        if not name.isidentifier():
            raise StatementError(
                _PARAMETERS,
                f"`:{name!a}` holds a character that no name has.",
                position=landmark.start,
                help="Name the parameter with letters, digits and `_`.",
            )
        rules = lexis(self.dialect)
        if not (rules.numbered and name in self.names):
            self.names.append(name)
        return rules.sign + (str(self.names.index(name) + 1) if rules.numbered else "")

    def _refuse_raw(self, landmark: Landmark, piece: str) -> None:
        raise StatementError(
            _PARAMETERS,
            f"`{piece}` is the engine's own placeholder; its number would be ambiguous.",
            position=landmark.start,
            help="Name the parameter: write `:name`.",
        )

    def _refuse_percent(self, landmark: Landmark, piece: str) -> None:
        at = piece.find("%s")
        if at < 0:
            return
        before = (self._before(landmark) + piece[:at]).rstrip()[-1:]
        after = piece[at + 2 : at + 3]
        operand = before.isalnum() or before in tuple("_'\")]")
        if not operand and not (after.isalnum() or after == "_"):
            raise StatementError(
                _PARAMETERS,
                "`%s` is a driver's placeholder, not SQL.",
                position=landmark.start + at,
                help="Name the parameter: write `:name`.",
            )

    def _before(self, landmark: Landmark) -> str:
        return self.source[max(0, landmark.start - _CONTEXT) : landmark.start]

    def _bracket(self, landmark: Landmark, piece: str) -> str:
        """Return what an opening bracket opens: a colon in a subscript is a slice."""
        if piece != "[":
            return "parenthesis" if piece == "(" else "struct"
        before = self._before(landmark).rstrip()
        nested = bool(self.brackets) and self.brackets[-1] == "array" and before[-1:] in ("[", ",")
        return "array" if nested or before[-5:].lower() == "array" else "subscript"


def source_position(statement: Statement, position: int) -> int:
    """Return where in the author's text the translated text's `position` stands."""
    shift, rules = 0, lexis(statement.dialect)
    for landmark in landmarks(statement.dialect, statement.source):
        if landmark.mark is not Mark.PARAMETER:
            continue
        if landmark.start + shift >= position:
            break
        name = statement.source[landmark.start + 1 : landmark.end]
        written = landmark.end - landmark.start
        number = str(statement.names.index(name) + 1) if rules.numbered else ""
        sent = len(rules.sign + number)
        if landmark.start + shift + sent > position:
            return landmark.start
        shift += sent - written
    return min(position - shift, len(statement.source))
