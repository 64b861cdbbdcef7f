"""The card of a call that waits: shown once, changed in place, folded to one line."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from interlock.card import Card

WAITS = {"name": "A-1", "text": "◷ A-1 waits for approver\n  until 12:15", "ended": False}
ENDED = {"name": "A-1", "text": "✔ A-1 approved after 3.0 s", "ended": True}


class Notebook:
    """What IPython offers a kernel, as far as a card needs it."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, bool]] = []
        self.display_pub = self

    def publish(self, data: dict[str, Any], transient: dict[str, str], *, update: bool) -> None:
        assert set(data) == {"text/plain"}, "Only text: nothing in a card can be pressed."
        self.shown.append((transient["display_id"], data["text/plain"], update))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    made = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: made))
    return made


def test_a_notebook_shows_one_card_and_folds_it_to_its_end(notebook: Notebook) -> None:
    said: list[str] = []
    card = Card(said.append)
    card.show(WAITS, "… A-1 waits")
    card.show(ENDED, "✔ A-1 approved")
    card.leave()
    assert [(text, update) for _, text, update in notebook.shown] == [
        (WAITS["text"], False),
        (ENDED["text"], True),
    ]
    assert len({number for number, _, _ in notebook.shown}) == 1
    assert said == []


def test_a_card_that_is_left_says_that_nobody_waits_behind_it(notebook: Notebook) -> None:
    """A cell that was interrupted does not look as if it still waited."""
    card = Card(print)
    card.show(WAITS, "… A-1 waits")
    card.leave()
    card.leave()
    assert [update for _, _, update in notebook.shown] == [False, True]
    assert "does not wait any more" in notebook.shown[-1][1]


def test_what_says_the_same_is_not_shown_again(notebook: Notebook) -> None:
    card = Card(print)
    card.show(WAITS, "… A-1 waits")
    card.show(WAITS, "… A-1 waits")
    assert len(notebook.shown) == 1


def test_two_calls_never_share_a_card(notebook: Notebook) -> None:
    """The same approval is met again after a resume; what an earlier cell showed stays."""
    for _ in range(2):
        Card(print).show(WAITS, "… A-1 waits")
    assert len({number for number, _, _ in notebook.shown}) == 2
    assert not any(update for _, _, update in notebook.shown)


def test_outside_a_notebook_it_is_a_line_and_never_changes() -> None:
    said: list[str] = []
    card = Card(said.append)
    card.show(WAITS, "… A-1 waits")
    card.show(ENDED, "✔ A-1 approved")
    card.leave()
    assert said == ["… A-1 waits", "✔ A-1 approved"]
