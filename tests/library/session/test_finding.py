"""What may be concluded, and from what."""

import pytest
from interlock.conclusion import Data, Finding, Words, judge
from interlock.errors import UsageError
from interlock.table import Table
from scripted_gateway import answer

WORDS = Words(ok="nobody is blocked", text="{pid} blocks {victims}", next="terminate-root")
BLOCKED = Table(answer([28073, 5]))
CUT = Table(answer([28073, 5], truncated="rows (1)"))


def conclude(data: Data | None, *, bad: bool = False, warn: bool = False) -> Finding:
    return judge(data, WORDS, bad=bad, warn=warn)


def test_bad_outweighs_warn_and_takes_its_words_from_the_first_row() -> None:
    finding = conclude(BLOCKED, bad=True, warn=True)
    assert finding == Finding("bad", "28073 blocks 5", "terminate-root")
    assert repr(finding) == "✖ 28073 blocks 5 → next: terminate-root"


def test_all_clear_says_so_and_suggests_nothing() -> None:
    assert conclude(Table(answer())) == Finding("ok", "nobody is blocked")


def test_without_words_for_ok_a_quiet_step_informs() -> None:
    quiet = judge(BLOCKED, Words(text="{victims} wait"), bad=False, warn=False)
    assert quiet == Finding("info", "5 wait")


@pytest.mark.parametrize("bad", [True, False])
def test_a_cut_table_is_unknown_and_never_ok(*, bad: bool) -> None:
    finding = conclude(CUT, bad=bad)
    assert finding.status == "unknown"
    assert finding.text.startswith("data cut at rows (1)")


def test_rows_of_a_cut_table_are_unknown_too() -> None:
    assert conclude(list(CUT)).status == "unknown"
    assert conclude(list(BLOCKED), bad=True).status == "bad"


def test_no_data_is_unknown() -> None:
    assert judge(None, Words(ok="fine"), bad=False, warn=False) == Finding("unknown", "no data")


def test_a_column_that_is_not_there_fails_instead_of_concluding() -> None:
    with pytest.raises(UsageError, match="did you mean 'victims'"):
        judge(BLOCKED, Words(text="{victms}"), bad=True, warn=False)


def test_null_and_formats_never_break_the_sentence() -> None:
    odd = Table(answer([None, 12345]))
    assert (
        judge(odd, Words(text="{pid:>5} {victims:,}"), bad=True, warn=False).text == "NULL 12,345"
    )


def test_without_a_row_the_sentence_says_what_it_does_not_know() -> None:
    assert judge(Table(answer()), WORDS, bad=True, warn=False).text == "? blocks ?"


def test_hostile_cells_cannot_steer_a_terminal() -> None:
    hostile = Table(answer(["\x1b]0;owned\x07", 5], columns="pid:text victims:integer"))
    assert "\x1b" not in conclude(hostile, bad=True).text


def test_something_else_than_a_table_is_refused() -> None:
    with pytest.raises(UsageError, match="rests on a table"):
        judge([{"pid": 1}], WORDS, bad=True, warn=False)  # type: ignore[list-item]  # the wrong type is what is tested
