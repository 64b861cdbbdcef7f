"""A proof block shows what it claims, and names what it does not: made without a gateway."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from interlock.proof import block_findings, read_key
from support import proofs

EVENTS = proofs.bodies(6)
Block = dict[str, Any]


def wrong(block: Block, incident: str = "INC-1") -> list[str]:
    return [f"{one.about}: {one.text}" for one in block_findings(block, incident) if not one.holds]


def touched(change: Callable[[Block], object]) -> Block:
    block = copy.deepcopy(proofs.block(EVENTS))
    change(block)
    return block


def test_a_block_that_was_not_touched_holds() -> None:
    assert wrong(proofs.block(EVENTS)) == []
    assert wrong(proofs.block(proofs.bodies(1))) == []


def test_an_event_of_another_incident_is_none_of_this_one() -> None:
    """Its text, its place in the log and its path are all right."""
    events = [*EVENTS[:3], EVENTS[3].replace('"INC-1"', '"INC-2"'), *EVENTS[4:]]
    assert wrong(proofs.block(events)) == ["event #4: It belongs to INC-2."]


def test_an_event_under_another_number_is_named() -> None:
    def swap(block: Block) -> None:
        one, other = block["events"][1], block["events"][2]
        one["sequence"], other["sequence"] = 3, 2

    found = wrong(touched(swap))
    assert "event #3: It is event #2 of the incident." in found
    assert "event #2: It is event #3 of the incident." in found


def test_an_event_that_says_another_place_is_named() -> None:
    events = [*EVENTS[:3], EVENTS[3].replace('"logindex": "3"', '"logindex": "30"'), *EVENTS[4:]]
    assert wrong(proofs.block(events)) == ["event #4: It says that it stands at 30 of the log."]


def test_the_same_event_twice_is_named() -> None:
    found = wrong(touched(lambda block: block["events"].append(block["events"][-1])))
    assert "event #6: Not one of the 6, or there twice." in found


@pytest.mark.parametrize("incident", ["INC-2", ""])
def test_a_block_of_another_incident_does_not_hold(incident: str) -> None:
    assert any("It belongs to INC-1" in one for one in wrong(proofs.block(EVENTS), incident))


def test_the_statement_must_be_one_of_an_export_and_of_this_incident() -> None:
    for change in (
        ('"log.exported"', '"log.noticed"'),
        ('"of": "INC-1"', '"of": "INC-2"'),
        ('"length": 6', '"length": 60'),
    ):
        events = [*EVENTS[:-1], EVENTS[-1].replace(*change)]
        [found] = wrong(proofs.block(events))
        assert found == "length: The log does not say that INC-1 has 6."


def test_without_a_key_of_the_readers_own_it_says_whose_key_it_was() -> None:
    said = [one.text for one in block_findings(proofs.block(EVENTS), "INC-1")]
    assert any("which this record itself names: compare it with yours" in one for one in said)
    key = read_key(proofs.KEY)
    said = [one.text for one in block_findings(proofs.block(EVENTS), "INC-1", [key])]
    assert any("which you gave" in one for one in said)
