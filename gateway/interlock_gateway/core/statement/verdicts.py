"""What one name in a statement means: a function, a type, an operator, an attribute.

The engine's own names are known from the lists; those that somebody made, or that an extension
brought, only from a snapshot of the target's catalogue. Without one they are unknown.
"""

from collections.abc import Iterable, Iterator

from interlock_gateway.core.model import Effect, Reason
from interlock_gateway.core.statement.catalogue import Catalogue, Name, Routine
from interlock_gateway.core.statement.rules import Rules

_BUILTIN_SCHEMA = "pg_catalog"


def of_function(
    rules: Rules,
    names: list[str],
    position: int | None = None,
    catalogue: Catalogue | None = None,
) -> Reason | None:
    """Return why calling the function `names` (schema first) is more than a read, or None."""
    called = ".".join(names)
    made = catalogue.routines_named(names) if catalogue else []
    acting = next((one for one in made if acts(rules, one)), None)
    if acting is not None:
        detail = f"{called}() can call {_whose(acting)}, which is not known to only read."
        return _reason(Effect.UNKNOWN, f"function {called}", detail, position, called)
    if made or _own_read(rules, names):
        return None
    if names[:-1] not in ([], [_BUILTIN_SCHEMA]):
        detail = f"{called}() belongs to a schema whose functions are not known to only read."
        return _reason(Effect.UNKNOWN, f"function {called}", detail, position, called)
    return _not_listed(rules, names[-1], position, called)


def of_attribute(
    rules: Rules, name: str, position: int | None, catalogue: Catalogue | None = None
) -> Reason | None:
    """Return why `something.name` is more than a read, or None.

    PostgreSQL calls a function through attribute notation too: `('/etc/passwd').pg_read_file`
    reads that file (PostgreSQL manual, 38.5.3, "functional notation").
    """
    if catalogue:
        for one in catalogue.routines.get(name, ()):
            if one.of_one and acts(rules, one):
                detail = f"`.{name}` can call {_whose(one)}, which is not known to only read."
                return _reason(Effect.UNKNOWN, f"attribute {name}", detail, position, "")
    if name not in rules.refused:
        return None
    found = _not_listed(rules, name, position, name)
    return _reason(
        found.effect, f"attribute {name}", f"`.{name}` can call {found.detail}", position, ""
    )


def of_operator(
    rules: Rules, names: list[str], position: int | None, catalogue: Catalogue | None = None
) -> Reason | None:
    """Return why the operator `names` is more than a read, or None."""
    called = ".".join(names)
    made = catalogue.operators.get(names[-1], ()) if catalogue else ()
    places = set(catalogue.places(names)) if catalogue else set()
    visible = [one for one in made if one.name in places]
    acting = next((one for one in visible if acts(rules, one)), None)
    if acting is not None:
        detail = f"{called} can be {_whose(acting)}, which is not known to only read."
        return _reason(Effect.UNKNOWN, f"operator {called}", detail, position, names[-1])
    builtin = names[:-1] in ([], [_BUILTIN_SCHEMA]) and names[-1] in rules.operators
    if visible or builtin:
        return None
    detail = f"{called} is not an operator of {rules.engine} itself; it may call any function."
    return _reason(Effect.UNKNOWN, f"operator {called}", detail, position, names[-1])


def of_type(rules: Rules, names: list[str], position: int | None) -> Reason | None:
    """Return why a cast to the type `names` is more than a read, or None.

    Types that somebody made are for `following.py`, which can look into them.
    """
    builtin = names[:-1] in ([], [_BUILTIN_SCHEMA]) and names[-1] in rules.types
    if builtin:
        return None
    called = ".".join(names)
    detail = f"{called} is not a type of {rules.engine} itself; a cast to it may call a function."
    return _reason(Effect.UNKNOWN, f"type {called}", detail, position, called)


def acts(rules: Rules, routine: Routine) -> bool:
    """Tell whether a function that is not the engine's own is more than a read.

    A volatility is only its author's word; an extension is believed when somebody reviewed it. A
    macro whose text is known is followed instead.
    """
    if routine.definition:
        return False
    if routine.trusted or routine.behind:
        return not routine.trusted and routine.behind not in rules.functions
    listed = rules.extensions.get(routine.extension)
    return listed is None or (routine.volatile and routine.name[1] not in listed)


def acting(rules: Rules, routines: Iterable[Routine]) -> Iterator[Name]:
    """Yield the names of those routines that are more than a read."""
    yield from (one.name for one in routines if acts(rules, one))


def _own_read(rules: Rules, names: list[str]) -> bool:
    return names[:-1] in ([], [_BUILTIN_SCHEMA]) and names[-1] in rules.functions


def _not_listed(rules: Rules, name: str, position: int | None, called: str) -> Reason:
    verdict = rules.acting.get(name)
    if verdict is not None:
        return _reason(
            verdict.effect, f"function {name}", f"{name}(): {verdict.why}.", position, called
        )
    detail = f"{name}() is not on the list of functions of {rules.engine} that only read."
    return _reason(Effect.UNKNOWN, f"function {name}", detail, position, called)


def _whose(routine: Routine) -> str:
    name = ".".join(part for part in routine.name if part)
    return f"{name} of the extension {routine.extension}" if routine.extension else name


def _reason(effect: Effect, what: str, detail: str, position: int | None, written: str) -> Reason:
    length = 0 if position is None else len(written)
    return Reason(effect, what, detail, position=position, length=length)
