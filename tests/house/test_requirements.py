"""requirements.lock pins everything by hash and says nothing about where it was made."""

import re
import tomllib
from itertools import chain

from house.documents import ROOT

_LOCK = (ROOT / "requirements.lock").read_text("utf-8")
_ENTRIES = re.findall(r"^(\S+)==(\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", _LOCK, re.MULTILINE)
_PINNED = {found[0].partition("[")[0] for found in _ENTRIES}


def _plain(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-").replace(".", "-")


def test_every_line_is_a_pin_a_hash_or_a_comment() -> None:
    pattern = re.compile(r"\S+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?| *#.*|")
    assert [line for line in _LOCK.splitlines() if not pattern.fullmatch(line)] == []
    pins = re.findall(r"^\S+==", _LOCK, re.MULTILINE)
    assert len(pins) == len(_ENTRIES) > 50


def test_no_host_and_no_folder_of_a_machine_is_named() -> None:
    for word in ("://", "--index", "--find-links", "--trusted", "file:", " @ ", "/home", "/tmp"):  # noqa: S108  a word that must not be there
        assert word not in _LOCK, word


def test_everything_that_pyproject_asks_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    table = project["project"]
    extras = chain.from_iterable(table["optional-dependencies"].values())
    asked = (*table["dependencies"], *extras, *project["build-system"]["requires"])
    names = {_plain(each) for each in asked}
    assert names - _PINNED - {"interlock-runbooks"} == set()
