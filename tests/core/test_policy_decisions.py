"""The first line that matches decides, silence denies, and the answer names the line."""

from typing import Any

import pytest
from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy import ANY_TARGET, FAULT, SILENCE, UNASKABLE, load
from policy_folder import ask, folder, lines, loaded, names_in


def test_an_allow_names_its_line_and_its_terms() -> None:
    ruling = loaded().rule(ask("read"))

    assert (ruling.allowed, ruling.line, ruling.terms) == (True, "permissions.csv:2", "freely")
    assert ruling.text == "p, incident:responder, *, *, *, read, *, allow, freely, -"


def test_a_deny_names_its_line_and_has_no_terms() -> None:
    ruling = loaded().rule(ask("exfiltration"))

    assert (ruling.allowed, ruling.line, ruling.terms) == (False, "permissions.csv:1", "")


def test_silence_denies_and_says_so() -> None:
    ruling = loaded().rule(ask("write"))

    assert (ruling.allowed, ruling.line, ruling.fault) == (False, SILENCE, "")


def test_an_action_comes_with_the_rule_that_must_be_satisfied() -> None:
    policy = loaded()

    ruling = policy.rule(ask("db.stop"))

    assert policy.rule_named(ruling.terms).needs == "one dba and one sre"


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        ("*, *, *, *, read, *, deny, -, -", "*, *, *, *, read, *, allow, freely, -", False),
        ("*, *, *, *, read, *, allow, freely, override", "*, *, *, *, read, *, deny, -, -", True),
    ],
)
def test_the_earlier_of_two_matching_lines_decides(
    first: str, second: str, *, allowed: bool
) -> None:
    ruling = loaded(permissions=lines(first, second, STOP)).rule(ask("read"))

    assert (ruling.allowed, ruling.line) == (allowed, "permissions.csv:1")


STOP = "incident:responder, curated, *, production, db.stop, *, allow, two-people, -"


@pytest.mark.parametrize(
    ("cells", "covered", "not_covered"),
    [
        ("dba, *, *, *, read, *", {"person": "approver"}, {"person": "you"}),
        (
            "incident:observer, *, *, *, read, *",
            {"incident_role": IncidentRole.OBSERVER},
            {"incident_role": IncidentRole.COMMANDER},
        ),
        ("*, adhoc, *, *, read, *", {"mode": Mode.ADHOC}, {"mode": Mode.CURATED}),
        ("*, *, notes, *, read, *", {"target": "notes", "tier": "development"}, {}),
        ("*, *, *, development, read, *", {"target": "notes", "tier": "development"}, {}),
        ("*, *, *, *, costly|read, *", {"operation": "costly"}, {"operation": "lock"}),
        (
            "*, *, *, *, read, sev1|sev4",
            {"severity": Severity.SEV4},
            {"severity": Severity.SEV3},
        ),
    ],
)
def test_every_column_can_be_what_makes_a_line_match(
    cells: str, covered: dict[str, Any], not_covered: dict[str, Any]
) -> None:
    policy = loaded(permissions=lines(f"{cells}, allow, freely, -", STOP))

    assert policy.rule(ask(**covered)).line == "permissions.csv:1"
    assert policy.rule(ask(**not_covered)).line == SILENCE


def test_a_commander_has_what_a_responder_has_through_the_chain_of_roles() -> None:
    assert loaded().rule(ask(incident_role=IncidentRole.COMMANDER)).allowed
    assert not loaded().rule(ask(incident_role=IncidentRole.OBSERVER)).allowed
    assert not loaded().rule(ask(incident_role=None)).allowed


def test_a_person_whose_id_is_the_name_of_a_role_does_not_hold_it() -> None:
    policy = loaded(permissions=lines("dba, *, *, *, read, *, allow, freely, -", STOP))

    assert policy.rule(ask(person="approver")).allowed
    assert not policy.rule(ask(person="dba")).allowed
    assert not policy.rule(ask(person="incident:responder", incident_role=None)).allowed


@pytest.mark.parametrize(("named", "other"), [("ds-1", "ds-10"), ("ds-10", "ds-1")])
def test_names_are_compared_whole_so_that_one_target_is_never_another(
    named: str, other: str
) -> None:
    targets = "tiers = ['production']\n" + "".join(
        f"[target.{name}]\ndialect='postgres'\ntier='production'\nread='env:R'\n"
        for name in ("ds-1", "ds-10")
    )
    permissions = lines(f"*, *, {named}, *, read, *, allow, freely, -", STOP)
    policy = loaded(permissions=permissions, targets=targets)

    assert policy.rule(ask(target=named)).allowed
    assert not policy.rule(ask(target=other)).allowed


@pytest.mark.parametrize("word", ["*", "read|write", "", "unknown", "db.gone", "READ"])
def test_an_operation_that_is_no_word_of_the_policy_is_never_allowed(word: str) -> None:
    policy = loaded(permissions=lines("*, *, *, *, read|costly, *, allow, freely, -", STOP))

    ruling = policy.rule(ask(word))
    assert (ruling.allowed, ruling.line) == (False, UNASKABLE)


@pytest.mark.parametrize(
    ("target", "tier"),
    [("gone", "production"), ("orders", "development"), ("orders", "moon"), (ANY_TARGET, "moon")],
)
def test_a_target_that_is_not_there_or_not_of_that_tier_is_never_allowed(
    target: str, tier: str
) -> None:
    ruling = loaded().rule(ask(target=target, tier=tier))

    assert not ruling.allowed
    assert target in ruling.text or tier in ruling.text


def test_an_action_is_never_allowed_on_a_target_of_another_dialect() -> None:
    policy = loaded(permissions=lines("*, curated, *, *, db.stop, *, allow, two-people, -"))

    assert policy.rule(ask("db.stop")).allowed
    ruling = policy.rule(ask("db.stop", target="notes", tier="development"))
    assert (ruling.allowed, "sqlite" in ruling.text) == (False, True)


def test_a_malfunction_of_the_engine_denies_and_says_what_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = loaded()

    def broken(*_words: str) -> None:
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(policy.engine._enforcer, "enforce_ex", broken)  # noqa: SLF001  no other way in
    ruling = policy.rule(ask("read"))

    assert (ruling.allowed, ruling.line) == (False, FAULT)
    assert ruling.fault == "SystemError: AST constructor recursion depth mismatch"


def test_a_ruling_is_worked_out_once_and_a_malfunction_never_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = loaded()
    enforcer = policy.engine._enforcer  # noqa: SLF001  no other way in
    asked: list[str] = []

    def broken(*_words: str) -> None:
        asked.append("broken")
        raise SystemError

    with monkeypatch.context() as patched:
        patched.setattr(enforcer, "enforce_ex", broken)
        assert [policy.rule(ask("read")).line for _ in range(2)] == [FAULT, FAULT]
    before = policy.rule(ask("read"))
    monkeypatch.setattr(enforcer, "enforce_ex", broken)

    assert (policy.rule(ask("read")), asked) == (before, ["broken", "broken"])
    assert policy.rule(ask("exfiltration")).line == FAULT


def test_an_answer_that_contradicts_its_line_is_a_malfunction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = loaded()
    deny = list(policy.lines[0].row)

    monkeypatch.setattr(
        policy.engine._enforcer,  # noqa: SLF001  no other way in
        "enforce_ex",
        lambda *_words: (True, deny),
    )
    ruling = policy.rule(ask("exfiltration"))

    assert (ruling.allowed, ruling.fault) == (False, "casbin contradicts permissions.csv:1")


def test_the_turn_is_held_while_the_engine_decides() -> None:
    taken: list[str] = []

    class Turn:
        def __enter__(self) -> None:
            taken.append("in")

        def __exit__(self, *_error: object) -> None:
            taken.append("out")

    load(folder(), names_in=names_in, turn=Turn()).rule(ask())

    assert taken == ["in", "out"]


def test_asking_about_ever_new_strangers_keeps_nothing_of_them() -> None:
    policy = loaded()
    known = policy.engine._enforcer.get_role_manager().all_roles  # noqa: SLF001  casbin's memory
    policy.rule(ask(person="stranger"))
    before = len(known)

    for number in range(50):
        policy.rule(ask(person=f"stranger-{number}"))

    assert len(known) == before


def test_the_digest_changes_with_every_file_that_decides_and_with_no_other() -> None:
    digest = loaded().digest

    assert loaded(cases=CASES).digest == digest
    assert loaded(roles=folder()["roles.csv"] + "g, colleague, sre\n").digest != digest
    assert loaded(action=folder()["actions/db.stop.toml"] + "# reviewed\n").digest != digest


CASES = """\
[[case]]
says = "A responder reads."
person = "you"
incident_role = "responder"
mode = "curated"
tier = "production"
operation = "read"
severity = "sev1"
decision = "freely"
line = "p, incident:responder, *, *, *, read, *, allow, freely, -"
"""
