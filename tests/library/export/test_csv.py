"""CSV: quoted as RFC 4180 says, guarded, and recoverable."""
# ruff: noqa: RUF001  wide and curly signs are what is tested

import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from interlock.export import build, csv_text
from interlock.export.to_csv import ABOUT, COLUMNS, guarded_cell, plain_cell
from sample_incident import INCIDENT, sample

TEXT = st.text(st.sampled_from([*"=+-@|%'\";\t\n ab1", "＝", "－", "“", "⇥"]), max_size=12)


def rows() -> list[dict[str, str]]:
    source = csv_text(build(INCIDENT, sample()), zone="Europe/Berlin")
    return list(csv.DictReader(io.StringIO(source, newline="")))


@given(TEXT)
def test_a_guarded_cell_gives_back_what_it_was(text: str) -> None:
    assert plain_cell(guarded_cell(text)) == text


@given(TEXT)
def test_no_piece_of_a_guarded_cell_begins_with_a_sign(text: str) -> None:
    for piece in guarded_cell(text).replace("\t", ";").replace("\n", ";").split(";"):
        bare = piece.lstrip(' "“')
        assert piece.startswith("'") or bare[:1] not in {*"=+-@|%", "＝", "－"} or not bare


def test_harmless_cells_stay_as_they_are() -> None:
    for text in ("pid 28073 blocks 5 sessions", "a - b", "T−00:30", "1 + 1; done", "[#12]"):
        assert guarded_cell(text) == text


def test_there_is_a_row_for_each_moment_and_one_that_says_what_it_is() -> None:
    told = rows()
    assert [row["type"] for row in told].count(ABOUT) == 1
    assert "nothing was redacted" in told[0]["what"]
    assert len(told) - 1 == len(build(INCIDENT, sample()).moments)


def test_times_stand_in_utc_and_in_the_zone() -> None:
    declared = next(row for row in rows() if row["type"] == "incident.declared")
    assert declared["time_utc"] == "2026-03-02T23:58:12Z"
    assert declared["time_local"] == "2026-03-03T00:58:12+01:00"


def test_lines_end_as_rfc_4180_says() -> None:
    source = csv_text(build(INCIDENT, sample()))
    assert source.endswith('"\r\n')
    assert source.split("\r\n")[0] == ",".join(f'"{name}"' for name in COLUMNS)
    assert "\n" not in source.replace("\r\n", "")
