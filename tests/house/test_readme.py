"""The README is short, begins with what matters, and shows a demo that is still given."""

import re

from house.documents import ROOT, blocks

_README = (ROOT / "README.md").read_text("utf-8")
_DEMO = ROOT / "library/interlock/cli/demo"


def test_it_can_be_read_in_one_sitting_and_begins_with_two_commands() -> None:
    assert len(_README.splitlines()) <= 150
    assert blocks(_README, "sh")[0].split("\n") == ["make demo", "make test", ""]


def test_the_scenes_of_its_transcript_are_those_of_the_demo() -> None:
    transcript = blocks(_README, "text")[0]
    told = "".join(path.read_text("utf-8") for path in _DEMO.glob("*.py"))
    titles = re.findall(r"^\d  (.+)$", transcript, re.MULTILINE)
    assert len(titles) >= 3
    assert [title for title in titles if f'"{title}"' not in told] == []


def test_a_transcript_fits_a_terminal() -> None:
    assert max(len(line) for line in blocks(_README, "text")[0].splitlines()) <= 80
