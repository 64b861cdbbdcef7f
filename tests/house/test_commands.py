"""Every command on a page, and in a help text, is one that exists."""

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from cyclopts.exceptions import CycloptsError
from house.documents import ROOT, blocks, name, pages, spans
from interlock.cli.app import VERBS, app
from interlock.cli.entry import with_fields
from interlock.errors import CODES

if TYPE_CHECKING:
    from cyclopts import App

_SHELL = ("sh", "console", "bash")
_COMMAND = re.compile(r"^(?:\$ )?interlock(?= )(?: (?P<rest>.*))?$")
_MAKE = re.compile(r"^(?:\$ )?make ([a-z]+)\b")
_TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def _typed() -> Iterator[tuple[str, str]]:
    """Yield (page, line) of what a reader would type, prompts removed."""
    for page in pages():
        for block in blocks(page.read_text("utf-8"), *_SHELL):
            for line in block.replace("\\\n", " ").splitlines():
                yield name(page), line.strip().removeprefix("$ ")


def _mentioned() -> Iterator[tuple[str, str]]:
    """Yield (place, command) of what is named in a sentence, on a page or in a help text."""
    for page in pages():
        yield from ((name(page), span) for span in spans(page.read_text("utf-8")))
    for code, row in CODES.items():
        yield from ((f"CODES[{code!r}]", span) for span in spans(row.help))


def _words(line: str) -> list[str]:
    """Return the words after `interlock`, a comment and what is piped left out."""
    words = shlex.split(line, comments=True)[1:]
    ends = [place for place, word in enumerate(words) if word in {"|", ">", "&&", "&"}]
    return words[: ends[0]] if ends else words


def _unknown_verb(words: list[str]) -> str:
    """Return the first word that is no verb where a verb stands, or ""."""
    here: App = app
    for depth, word in enumerate(words):
        commands = [each for each in here if not each.startswith("-")]
        if not commands or not re.fullmatch(r"[a-z-]+", word) or word.startswith("-"):
            return ""
        if word not in commands:
            return "" if depth and here.default_command else word
        here = here[word]
    return ""


@pytest.mark.parametrize(("place", "line"), [each for each in _typed() if _COMMAND.match(each[1])])
def test_a_command_to_type_is_understood_with_its_options(place: str, line: str) -> None:
    words = with_fields(_words(line))
    try:
        app.parse_args(words, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        pytest.fail(f"{place}: {line}\n{error}", pytrace=False)


@pytest.mark.parametrize(
    ("place", "command"), [each for each in _mentioned() if _COMMAND.match(each[1])]
)
def test_a_command_named_in_a_sentence_exists(place: str, command: str) -> None:
    wrong = _unknown_verb(_words(command.replace("…", "").replace("[", "").replace("]", "")))
    assert wrong == "", f"{place}: `{command}`: there is no {wrong!r}"


@pytest.mark.parametrize(
    ("place", "line"), [each for each in (*_typed(), *_mentioned()) if _MAKE.match(each[1])]
)
def test_a_make_target_on_a_page_exists(place: str, line: str) -> None:
    found = _MAKE.match(line)
    assert found is not None
    assert found[1] in _TARGETS, f"{place}: {line}"


def test_the_four_words_are_there_and_the_verbs_are_those_of_the_guide() -> None:
    assert {"demo", "test", "check", "bench"} <= {*_TARGETS}
    guide = (ROOT / "docs/guide.md").read_text("utf-8")
    assert [verb for verb in VERBS if f"interlock {verb}" not in guide] == []
