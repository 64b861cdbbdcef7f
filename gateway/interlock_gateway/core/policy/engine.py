"""Decisions through stock pycasbin: the first matching line decides, and silence denies.

This is the only module that imports casbin. The effect expression `priority(p.eft) || deny` is
the only stock one under which the first line that matches decides, allow or deny, and is named.
https://casbin.apache.org/docs/syntax-for-models#policy-effect
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from casbin import Enforcer  # type: ignore[import-untyped]  # pycasbin ships no types
from casbin.persist import Adapter  # type: ignore[import-untyped]  # likewise

from interlock_gateway.core.policy.index import Index
from interlock_gateway.core.policy.roles import Roles, part_name
from interlock_gateway.core.policy.values import FAULT, SILENCE, Ask, Line, Ruling, among

MODEL = """\
[request_definition]
r = person, part, mode, target, tier, operation, severity

[policy_definition]
p = role, mode, target, tier, operation, severity, eft, terms, override

[role_definition]
g = _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = among(r.operation, p.operation) && among(r.tier, p.tier) && among(r.target, p.target) && \
among(r.mode, p.mode) && among(r.severity, p.severity) && \
(p.role == "*" || g(r.person, p.role) || g(r.part, p.role))
"""
"""What model.conf must say: the strict loader, the checks and the index rely on exactly this."""

_STRANGER = "person:"


class _Parsed(Adapter):  # type: ignore[misc]  # the base has no types
    """Hands casbin the validated rows, since casbin's own file reader drops what it can't read."""

    def __init__(self, lines: Iterable[Line], roles: Roles) -> None:
        self._lines, self._roles = lines, roles

    def load_policy(self, model: Any) -> None:
        model["p"]["p"].policy = [list(line.row) for line in self._lines]
        model["g"]["g"].policy = [list(link) for link in links(self._roles)]


def links(roles: Roles) -> list[tuple[str, str]]:
    """Return casbin's `g` rows; `person:` keeps a person named dba from being one."""
    people = [(f"person:{person}", role) for person, held in roles.people.items() for role in held]
    return people + [(role, other) for role, implied in roles.implies.items() for other in implied]


_REMEMBERED = 10_000
"""Rulings; one takes about 500 bytes."""


class Engine:
    """One immutable set of lines, ready to decide. Not for two threads at once.

    The index chooses the lines that can bear on a question, and casbin decides among them, as it
    would among all. The lines never change and casbin looks at nothing but them and the question,
    so a ruling is worked out once: it is remembered for exactly this policy, and a policy with
    another digest has another engine. A malfunction is never remembered, and neither is a
    stranger.
    """

    def __init__(self, lines: Iterable[Line], roles: Roles) -> None:
        lines = tuple(lines)
        self._lines: Mapping[tuple[str, ...], Line] = {line.row: line for line in lines}
        self._people = roles.people
        self._index = Index(lines, roles)
        self._enforcer = Enforcer(Enforcer.new_model(text=MODEL), _Parsed(lines, roles))
        self._enforcer.add_function("among", among)
        self._rulings: OrderedDict[Ask, Ruling] = OrderedDict()

    def rule(self, ask: Ask) -> Ruling:
        """Decide, once for each question; a malfunction is asked about again."""
        known = self._rulings.get(ask)
        if known is not None:
            return known
        ruling = self.work_out(ask)
        if ask.person in self._people and not ruling.fault:
            if len(self._rulings) >= _REMEMBERED:
                self._rulings.popitem(last=False)
            self._rulings[ask] = ruling
        return ruling

    def work_out(self, ask: Ask) -> Ruling:
        """Decide by asking casbin; whatever goes wrong inside it is a deny that says so."""
        try:
            return self._first_match(ask)
        except Exception as error:  # noqa: BLE001  any malfunction of the engine must deny
            return Ruling(allowed=False, line=FAULT, fault=f"{type(error).__name__}: {error}")

    def _first_match(self, ask: Ask) -> Ruling:
        """Ask casbin page by page. It is never asked about no line: it would look at blanks."""
        request, held = self._request(ask), self._enforcer.get_model()["p"]["p"]
        for page in self._index.pages(ask):
            held.policy = page
            allowed, row = self._enforcer.enforce_ex(*request)
            if row:
                return self._ruling(allowed is True, tuple(row))
        return Ruling(allowed=False, line=SILENCE)

    def _request(self, ask: Ask) -> tuple[str, ...]:
        # casbin keeps every name it was ever asked about, so strangers share one.
        person = f"person:{ask.person}" if ask.person in self._people else _STRANGER
        return (
            *(person, part_name(ask.incident_role), str(ask.mode), ask.target, ask.tier),
            *(ask.operation, str(ask.severity)),
        )

    def _ruling(self, allowed: bool, row: tuple[str, ...]) -> Ruling:  # noqa: FBT001  casbin's answer as it came
        line = self._lines[row]
        if allowed is not (line.eft == "allow"):
            return Ruling(allowed=False, line=FAULT, fault=f"casbin contradicts {line.place}")
        terms = line.terms if allowed else ""
        return Ruling(allowed=allowed, line=line.place, terms=terms, text=line.text)
