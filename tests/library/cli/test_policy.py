"""`interlock policy`: a folder is reviewed without a gateway."""

import io
import json
from pathlib import Path

import pytest
from interlock.cli.entry import entry
from interlock.cli.world import World
from policy_folder import PERMISSIONS, folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in folder().items():
        path = tmp_path / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def run(place: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = entry(["policy", *arguments], World(environ={}, cwd=place, out=out, err=err))
    return code, out.getvalue(), err.getvalue()


def test_matrix_is_printed_or_written_and_then_check_is_content(place: Path) -> None:
    assert run(place, "check")[0] == 1
    code, printed, _ = run(place, "matrix")
    assert (code, "two-people" in printed) == (0, True)

    assert run(place, "matrix", "--write")[0] == 0

    assert (place / "policies" / "matrix.txt").read_text("utf-8") == printed
    assert run(place, "check") == (0, "", "✔ policies: nothing to mend.\n")


def test_a_link_to_the_folder_of_actions_is_followed(place: Path) -> None:
    policies = place / "policies"
    (policies / "actions").rename(place / "shared")
    (policies / "actions").symlink_to(place / "shared")

    assert run(place, "matrix", "--write")[0] == 0
    assert run(place, "check") == (0, "", "✔ policies: nothing to mend.\n")


def test_check_says_when_the_matrix_is_stale(place: Path) -> None:
    _, out, _ = run(place, "check")

    assert out.startswith("matrix.txt:1\tIt is not what the policy comes to")


def test_check_lists_what_does_not_load_with_its_line(place: Path) -> None:
    bad = PERMISSIONS.replace("deny", "Deny")
    (place / "policies" / "permissions.csv").write_text(bad, "utf-8")

    code, out, _ = run(place, "check", "policies", "--json")

    assert code == 1
    (problem,) = json.loads(out)
    assert (problem["file"], problem["line"]) == ("permissions.csv", 1)


def test_matrix_of_a_folder_that_does_not_load_says_why_and_what_next(place: Path) -> None:
    (place / "policies" / "roles.csv").unlink()

    code, out, err = run(place, "matrix")

    assert (code, out) == (1, "")
    assert "roles.csv:1: The file is missing." in err
    assert "policy check" in err


def test_explain_says_yes_with_the_line(place: Path) -> None:
    code, out, _ = run(place, "explain", "you", "db.stop", "orders")

    assert code == 0
    assert out.startswith("Yes, after two-people: you, responder, may do db.stop on orders")
    assert "Decided by permissions.csv:3." in out


def test_explain_says_no_with_the_exit_code_of_a_denial(place: Path) -> None:
    code, out, _ = run(
        place, "explain", "you", "read", "development", "--role", "observer", "--severity", "sev1"
    )

    assert code == 5
    assert out.startswith("No: you, observer, may not do read on (any) (development)")


def test_explain_answers_in_json(place: Path) -> None:
    code, out, _ = run(place, "explain", "you", "read", "orders", "--json", "allowed,line,terms")

    assert code == 0
    assert json.loads(out) == {"allowed": True, "line": "permissions.csv:2", "terms": "freely"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("you", "reed", "orders"), "'reed' is unknown; did you mean `read`?"),
        (("you", "read", "ordres"), "'ordres' is unknown; did you mean `orders`?"),
        (("you", "read", "orders", "--role", "boss"), "'boss' is unknown; known: commander,"),
    ],
)
def test_a_word_that_policy_does_not_know_is_a_usage_error(
    place: Path, words: tuple[str, ...], message: str
) -> None:
    code, _, err = run(place, "explain", *words)

    assert code == 2
    assert message in err


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "check", "gone")

    assert (code, "There is no folder gone." in err) == (2, True)
