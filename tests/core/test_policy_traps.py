"""Casbin's measured traps: what the library does by itself, and that it cannot happen here.

Each test shows stock behaviour first. When one of those assertions fails, casbin has changed,
and the guard beside it may be looked at again.
"""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from itertools import pairwise
from pathlib import Path
from threading import Lock

import pytest
from casbin import Enforcer, persist  # type: ignore[import-untyped]  # pycasbin ships no types
from casbin.util import key_match_func  # type: ignore[import-untyped]  # likewise
from interlock_gateway.adapters.policy_files import PolicyFolder
from interlock_gateway.core.policy import Ruling, load
from interlock_gateway.core.policy.engine import MODEL
from interlock_gateway.core.policy.values import among
from policy_folder import PERMISSIONS, ask, folder, lines, names_in, refusal

ASKED = ("person:", "incident:none", "curated", "orders", "production", "read", "sev1")
OVERRIDE = MODEL.replace("priority(p.eft) || deny", "!some(where (p.eft == deny))")


def stock(text: str, model: str = MODEL) -> Enforcer:
    """Return stock casbin, with its own reader of lines."""
    enforcer = Enforcer(Enforcer.new_model(text=model))
    for line in text.splitlines():
        persist.load_policy_line(line, enforcer.model)
    enforcer.build_role_links()
    enforcer.add_function("among", among)
    return enforcer


def test_a_capital_deny_allows_in_stock_casbin_and_is_an_error_here() -> None:
    text = lines("*, *, *, *, read, *, Deny, -, -")

    assert stock(text, OVERRIDE).enforce(*ASKED) is True
    assert "exactly `allow` or `deny`, not 'Deny'" in refusal(folder(permissions=text))


def test_an_unknown_section_vanishes_in_stock_casbin_and_is_an_error_here() -> None:
    text = "x, *, *, *, *, read, *, deny, -, -\n" + lines("*, *, *, *, read, *, allow, freely, -")

    assert stock(text).enforce(*ASKED) is True
    assert "permissions.csv:1: 'x' is not a section" in refusal(folder(permissions=text))


def test_a_short_line_breaks_every_decision_in_stock_casbin_and_is_an_error_here() -> None:
    text = "p, *, read\n" + PERMISSIONS

    with pytest.raises(RuntimeError, match="invalid policy size"):
        stock(text).enforce(*ASKED)
    assert "permissions.csv:1: A line has 10 cells" in refusal(folder(permissions=text))


def test_a_deep_chain_of_roles_is_cut_silently_in_stock_casbin_and_is_an_error_here() -> None:
    names = [f"r{number}" for number in range(12)]
    chain = "".join(f"g, {one}, {other}\n" for one, other in pairwise(names))
    text = lines("r11, *, *, *, read, *, allow, freely, -")

    assert stock(text + chain + "g, person:, r0\n").enforce(*ASKED) is False
    declared = "".join(f"role, {name}\n" for name in names)
    files = folder(permissions=text, roles=declared + chain)
    assert "has more than 8 links" in refusal(files)


def test_a_pattern_reaches_too_far_in_stock_casbin_and_is_an_error_here() -> None:
    assert key_match_func("ds:10", "ds:1*") is True
    assert not among("ds:10", "ds:1*")
    text = lines("*, *, ds:1*, *, read, *, allow, freely, -")
    assert "there are no other patterns" in refusal(folder(permissions=text))


def test_an_approval_as_an_effect_denies_in_stock_casbin_and_is_a_column_here() -> None:
    text = lines("*, *, *, *, read, *, approve, -, -")

    assert stock(text).enforce(*ASKED) is False
    assert "exactly `allow` or `deny`, not 'approve'" in refusal(folder(permissions=text))


def test_no_line_at_all_is_evaluated_on_blanks_by_stock_casbin_and_is_an_error_here() -> None:
    assert stock("").enforce("", "", "", "", "", "", "") is True
    assert "nothing would ever be allowed" in refusal(folder(permissions=""))


def test_many_threads_at_once_get_the_right_answers() -> None:
    policy = load(folder(), names_in=names_in, turn=Lock())
    questions = [ask("read"), ask("exfiltration"), ask("db.stop"), ask("write")] * 50
    expected = [policy.rule(question) for question in questions]

    with ThreadPoolExecutor(8) as pool:
        answers: list[Ruling] = list(pool.map(policy.rule, questions))

    assert answers == expected
    assert not any(answer.fault for answer in answers)


def test_a_reload_never_changes_the_policy_that_others_hold(tmp_path: Path) -> None:
    for name, text in folder().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    source = PolicyFolder(tmp_path)
    held = source.current

    (tmp_path / "permissions.csv").write_text(
        lines("*, *, *, *, read, *, deny, -, -") + PERMISSIONS, "utf-8"
    )
    assert source.reload() == ()

    assert held.rule(ask("read")).allowed
    assert not source.current.rule(ask("read")).allowed
    assert held.digest != source.current.digest


def test_the_old_distribution_of_casbin_is_not_installed_beside_pycasbin() -> None:
    """Both install the module `casbin`; the old one stopped at 1.43 and would win by chance."""
    names = {each.metadata["Name"].lower() for each in distributions()}

    assert "pycasbin" in names
    assert "casbin" not in names
