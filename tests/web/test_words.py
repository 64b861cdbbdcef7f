"""No field of a request escapes the door: each is masked, run, or on this list with a reason."""

import inspect
from typing import Any, get_args, get_type_hints

import pytest
from fastapi.params import Form
from fastapi.routing import APIRoute
from interlock_gateway.web import bodies, entry_bodies, pages
from interlock_gateway.web.routes import (
    approvals,
    catalogue,
    drills,
    entries,
    evidence,
    identity,
    incidents,
    links,
    log,
    plans,
    runs,
)
from interlock_gateway.web.routes import chat as chat_pages
from interlock_gateway.web.said import words_of
from pydantic import BaseModel

PLAIN = {
    "a name that is looked up, and refused if nobody has it": {
        *("rule", "commander", "person", "to", "target", "action", "run", "step", "incident"),
        *("runbook", "role", "severity", "kind", "state", "outcome", "vote", "direction"),
        *("milestone", "confidence", "by", "owner", "hide", "about"),
    },
    "a day, read as one": {"due"},
    "a credential that is compared with a hash and never kept": {"code"},
    "a digest or a key that is compared and tells nothing": {
        *("key", "digest", "source_digest", "proposal_digest", "prompt_digest", "plan_digest"),
    },
    "a parameter of a run: refused where it holds a secret, since it is kept as it is": {"params"},
    "where a parameter came from, one of three words": {"param_origins"},
    "what a runner says of its own machine; known secrets are masked in it": {
        *("host", "python", "library", "confinement"),
    },
    "the type of a value that is run": {"type", "value"},
}
"""Why a field needs no scanner, and which fields that is so of."""

_KNOWN = frozenset().union(*PLAIN.values())
_PAGES = {"csrf", "vote", "proposal_digest", "prompt_digest", "target", "code", "next", "account"}


def _texts(body: type[BaseModel]) -> list[str]:
    """Return the fields of a body that hold texts and are marked as nothing."""
    return [
        name
        for name, field in body.model_fields.items()
        if words_of(field.rebuild_annotation()) is None and _holds_text(field.annotation)
    ]


def _holds_text(hint: Any) -> bool:
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return False  # its own fields are looked at
    return hint in (str, Any) or any(map(_holds_text, get_args(hint)))


BODIES = [
    one
    for module in (bodies, entry_bodies)
    for one in vars(module).values()
    if inspect.isclass(one) and issubclass(one, bodies.Body) and one is not bodies.Body
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_text_of_a_body_is_masked_or_run_or_has_its_reason(body: type[BaseModel]) -> None:
    assert set(_texts(body)) - _KNOWN == set()


GROUPS = (
    *(approvals, catalogue, drills, entries, evidence, identity, incidents),
    *(links, log, plans, runs),
)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__.rpartition(".")[2])
def test_every_route_whose_body_has_words_masks_them(group: Any) -> None:
    routes = [route for route in group.routes.routes if isinstance(route, APIRoute)]
    assert [one.path for one in routes if _words_in(one) and not _masks(one)] == []
    assert routes


def _words_in(route: APIRoute) -> bool:
    hints = get_type_hints(route.endpoint, include_extras=True).values()
    return any(
        words_of(field.rebuild_annotation())
        for hint in hints
        if inspect.isclass(hint) and issubclass(hint, BaseModel)
        for field in hint.model_fields.values()
    )


def _masks(route: APIRoute) -> bool:
    return hasattr(route.endpoint, "__wrapped__")


def test_every_field_of_a_form_is_masked_or_known_to_be_no_words() -> None:
    routes = [*pages.routes.routes, *pages.open_routes.routes, *chat_pages.routes.routes]
    found = set()
    for route in (one for one in routes if isinstance(one, APIRoute)):
        hints = get_type_hints(route.endpoint, include_extras=True)
        for name, hint in hints.items():
            if any(isinstance(part, Form) for part in get_args(hint)) and not words_of(hint):
                found.add(name)
    assert found - _PAGES == set()
