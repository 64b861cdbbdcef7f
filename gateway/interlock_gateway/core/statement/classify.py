"""The pipeline: gate, two parsers, allow-lists; whatever is not proven is unknown."""

from dataclasses import replace
from functools import lru_cache, partial
from hashlib import sha256

from interlock_gateway.core.model import (
    SQL,
    Classification,
    Dialect,
    Effect,
    Reason,
    Statement,
    strongest,
)
from interlock_gateway.core.statement import gate, glot, libpg, masking, names
from interlock_gateway.core.statement.catalogue import Catalogue
from interlock_gateway.core.statement.errors import StatementError
from interlock_gateway.core.statement.following import Reading, Trail
from interlock_gateway.core.statement.lexer import MAX_BYTES
from interlock_gateway.core.statement.opinion import NotUnderstoodError, Opinion
from interlock_gateway.core.statement.rules import rules
from interlock_gateway.core.statement.translate import translate

_COMPARED = frozenset({"select", "insert", "update", "delete", "merge", "explain", "show"})


def classify(statement: Statement, catalogue: Catalogue | None = None) -> Classification:
    """Return what the statement would do, proven from its exact bytes.

    Never raises: what a parser cannot read, or reads differently than another, is `unknown`.
    Remembered by dialect, exact text and snapshot.

    Args:
        statement: what would be sent.
        catalogue: what the target's own names mean. Without it a relation is taken for a table
            and NULL of a type for nothing but that; whoever sends the statement must have one.
    """
    if len(statement.text) > MAX_BYTES:
        return _classified(statement.dialect, statement.text, catalogue)
    return _remembered(statement.dialect, statement.text, catalogue)


def classify_source(
    dialect: str, source: str, catalogue: Catalogue | None = None
) -> Classification:
    """Return what the author's text would do in the dialect named; never raises.

    A dialect without an engine in this version, and parameters that cannot be translated, are
    `unknown` with the reason.
    """
    try:
        return classify(translate(dialect, source), catalogue)
    except StatementError as error:
        detail = f"{error.message} {error.help}"
        return _unknown(Reason(Effect.UNKNOWN, error.code, detail, error.position), source)


def _classified(dialect: Dialect, text: str, catalogue: Catalogue | None) -> Classification:
    if dialect not in SQL:
        detail = f"{dialect} does not speak SQL."
        return _unknown(Reason(Effect.UNKNOWN, "node statement", detail, None), text)
    refusal = gate.refusal(dialect, text)
    if refusal is not None:
        return _unknown(refusal, text)
    try:
        found = _proven(dialect, text, catalogue)
        return _masked(dialect, text, found, catalogue) if catalogue else found
    except NotUnderstoodError as error:
        return _unknown(error.reason, text)
    except Exception as error:  # noqa: BLE001  whatever a parser does, the answer is unknown
        return _unknown(_given_up(error), text)


_remembered = lru_cache(maxsize=4096)(_classified)


def _masked(
    dialect: Dialect, text: str, found: Classification, catalogue: Catalogue
) -> Classification:
    """Add which columns of the result are masked, and what could tell their values."""
    if not catalogue.masked or found.effect is Effect.UNKNOWN:
        return found
    masks, told = masking.traced(dialect, text, catalogue, found.reached)
    more = _beyond(
        Opinion("", found.reasons), (*told, *masking.hidden_in(dialect, found, catalogue))
    )
    reasons = (*found.reasons, *more)
    effect = strongest([reason.effect for reason in reasons])
    return replace(found, effect=effect, reasons=reasons, masks=masks)


def _proven(dialect: Dialect, text: str, catalogue: Catalogue | None) -> Classification:
    match dialect:
        case Dialect.POSTGRES:
            return _by_two_parsers(text, catalogue)
        case Dialect.SQLITE | Dialect.DUCKDB | Dialect.MARIADB | Dialect.MYSQL:
            return _by_parser_and_tokens(dialect, text, catalogue)
        case _:
            raise NotUnderstoodError("node statement", "It is not SQL that this target speaks.")


def _by_two_parsers(text: str, catalogue: Catalogue | None) -> Classification:
    engine = libpg.opinion(text, catalogue)
    other = glot.opinion(Dialect.POSTGRES, text, catalogue)
    lists = rules(Dialect.POSTGRES)
    trail = Trail(lists, catalogue, _readings[Dialect.POSTGRES]) if catalogue else None
    reasons = (
        *engine.reasons,
        *(trail.named(engine) if trail else ()),
        *_beyond(engine, _same_statement(engine, other)),
        *_beyond(engine, other.reasons),
    )
    return Classification(
        effect=strongest([reason.effect for reason in reasons]),
        reasons=reasons,
        kind=engine.kind,
        tables=engine.tables,
        functions=engine.functions,
        bounded=other.bounded,
        parsers=_parsers(Dialect.POSTGRES, {libpg.PARSER: libpg.VERSION}),
        sha256=_digest(text),
        relations=trail.found(engine) if trail else None,
        reached=tuple(trail.reached) if trail else (),
    )


def _reading(dialect: Dialect, text: str, catalogue: Catalogue) -> Opinion:
    """Return what a view's query or an expression does; what cannot be read is unknown."""
    try:
        if dialect is Dialect.POSTGRES:
            return libpg.opinion(text, catalogue)
        found = _calling(dialect, text, glot.opinion(dialect, text, catalogue))
        return replace(
            found, reasons=(*_in_tokens(dialect, text, found, catalogue), *found.reasons)
        )
    except NotUnderstoodError as error:
        return Opinion("unknown", (error.reason,))
    except Exception as error:  # noqa: BLE001  whatever a parser does, the answer is unknown
        return Opinion("unknown", (_given_up(error),))


_readings: dict[Dialect, Reading] = {dialect: partial(_reading, dialect) for dialect in SQL}


def _by_parser_and_tokens(
    dialect: Dialect, text: str, catalogue: Catalogue | None
) -> Classification:
    other = glot.opinion(dialect, text, catalogue)
    trail = Trail(rules(dialect), catalogue, _readings[dialect]) if catalogue else None
    calling = _calling(dialect, text, other)
    behind = trail.named(calling) if trail else ()
    named = (*_in_tokens(dialect, text, other, catalogue), *behind)
    return Classification(
        effect=strongest([reason.effect for reason in (*named, *other.reasons)]),
        reasons=(*named, *_beyond(Opinion("", named), other.reasons)),
        kind=other.kind,
        tables=other.tables,
        functions=names.functions(dialect, text),
        bounded=other.bounded,
        parsers=_parsers(dialect, {}),
        sha256=_digest(text),
        relations=trail.found(other) if trail else None,
        reached=tuple(trail.reached) if trail else (),
    )


def _calling(dialect: Dialect, text: str, found: Opinion) -> Opinion:
    """Return an opinion with every name that is called in it, where a macro may bear any name."""
    if dialect is not Dialect.DUCKDB:
        return found
    return replace(found, functions=names.functions(dialect, text))


def _in_tokens(
    dialect: Dialect, text: str, other: Opinion, catalogue: Catalogue | None
) -> tuple[Reason, ...]:
    if other.kind == "pragma":
        return ()
    return tuple(names.reasons(dialect, text, other.kind, catalogue))


def _beyond(first: Opinion, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Return the reasons that make the statement more dangerous than `first` has it already."""
    if not reasons:
        return ()
    already = first.effect.rank  # once: a hostile text gives thousands of reasons
    return tuple(reason for reason in reasons if reason.effect.rank > already)


def _same_statement(engine: Opinion, other: Opinion) -> tuple[Reason, ...]:
    """Return why the two parsers do not see the same statement, or nothing."""
    if (engine.kind, engine.inner) == (other.kind, other.inner):
        return ()
    if engine.kind not in _COMPARED and other.kind not in _COMPARED:
        return ()
    detail = f"PostgreSQL's parser sees {engine.kind}, sqlglot sees {other.kind}."
    return (Reason(Effect.UNKNOWN, "disagreement", detail),)


def _unknown(reason: Reason, text: str) -> Classification:
    return Classification(Effect.UNKNOWN, (reason,), "unknown", sha256=_digest(text))


def _parsers(dialect: Dialect, more: dict[str, str]) -> dict[str, str]:
    return {glot.PARSER: glot.VERSION, **more, "rules": rules(dialect).version[:12]}


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _given_up(error: Exception) -> Reason:
    detail = f"A parser gave up: {_first_line(error)}."
    place = getattr(error, "position", None)  # libpg_query counts characters from 1
    position = place - 1 if isinstance(place, int) and place > 0 else None
    return Reason(Effect.UNKNOWN, type(error).__name__, detail, position=position)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
