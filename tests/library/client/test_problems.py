"""A refusal is the same at both ends of the wire."""

from interlock.errors import Denied, error_from_problem, problem_from_error, refusal

SHOWN = "  1 | SELECT pg_sleep(1)\n    |        ^~~~~~~~"


def test_a_refusal_keeps_everything_on_its_way() -> None:
    sent = refusal("not-read-only", "No.", line="effect admin", help="Wait.", excerpt=SHOWN)
    got = error_from_problem(problem_from_error(sent))
    assert isinstance(got, Denied)
    assert vars(got) == vars(sent)


def test_in_a_notebook_it_reads_from_what_happened_to_what_to_do() -> None:
    denied = refusal("not-read-only", "No.", line="effect admin", help="Wait.", excerpt=SHOWN)
    assert str(denied) == f"No. (not-read-only) [effect admin]\n{SHOWN}\n→ Wait."


def test_a_refusal_without_an_excerpt_has_no_such_member() -> None:
    assert "excerpt" not in problem_from_error(refusal("run-ended", "It ended."))
    assert error_from_problem({"code": "run-ended"}).excerpt == ""
