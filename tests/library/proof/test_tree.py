"""The Merkle tree is that of RFC 6962: published vectors, and what no path may prove."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.proof import (
    Checkpoint,
    Frontier,
    ProofError,
    check_growth,
    leaf_hash,
    root_by_path,
    tree_of,
    unpacked,
)

VECTORS: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8")
)
LEAVES = [bytes.fromhex(text) for text in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(text) for text in VECTORS["roots"]]
_BODIES = [f"event {number}".encode() for number in range(700)]
_TREE = tree_of(_BODIES)


def _checkpoint(size: int) -> Checkpoint:
    return Checkpoint("log", size, _TREE.root(size))


def test_roots_are_the_published_ones() -> None:
    frontier = Frontier()
    assert frontier.root.hex().startswith("e3b0c442")
    for number, body in enumerate(LEAVES):
        frontier.push(leaf_hash(body))
        assert frontier.root == tree_of(LEAVES).root(number + 1) == ROOTS[number]


@pytest.mark.parametrize(
    "case", VECTORS["inclusion"], ids=lambda c: f"{c['index']} of {c['size']}"
)
def test_inclusion_paths_are_the_published_ones(case: dict[str, Any]) -> None:
    index, size = case["index"], case["size"]
    path = [bytes.fromhex(text) for text in case["path"]]
    assert tree_of(LEAVES).inclusion(index, size) == path
    assert root_by_path(leaf_hash(LEAVES[index]), index, size, path) == ROOTS[size - 1]


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda c: f"{c['old']} in {c['new']}")
def test_consistency_paths_are_the_published_ones(case: dict[str, Any]) -> None:
    old, new = (Checkpoint("log", case[it], ROOTS[case[it] - 1]) for it in ("old", "new"))
    path = [bytes.fromhex(text) for text in case["path"]]
    assert tree_of(LEAVES).consistency(old.size, new.size) == path
    check_growth(old, new, path)


@given(st.data())
def test_a_path_leads_to_the_root_of_its_own_place_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(_BODIES)))
    index, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    path = _TREE.inclusion(index, size)
    assert root_by_path(leaf_hash(_BODIES[index]), index, size, path) == _TREE.root(size)
    if other != index:
        assert not _leads(_BODIES[other], index, size, path)
        assert not _leads(_BODIES[index], other, size, path)
    assert not _leads(_BODIES[index], index, size, [*path, b"\0" * 32])
    if path:
        assert not _leads(_BODIES[index], index, size, path[:-1])


def _leads(body: bytes, index: int, size: int, path: list[bytes]) -> bool:
    try:
        return root_by_path(leaf_hash(body), index, size, path) == _TREE.root(size)
    except ProofError:
        return False


@given(st.integers(0, len(_BODIES)), st.integers(0, len(_BODIES)))
def test_a_log_is_shown_to_begin_with_the_smaller_one(one: int, other: int) -> None:
    old, new = sorted((one, other))
    check_growth(_checkpoint(old), _checkpoint(new), _TREE.consistency(old, new))


@given(st.integers(1, len(_BODIES) - 1), st.data())
def test_a_log_with_another_past_is_never_shown_to_have_grown(
    old: int, data: st.DataObject
) -> None:
    """One event of the past was changed, dropped or swapped, and every hash computed anew."""
    new = data.draw(st.integers(old + 1, len(_BODIES)))
    place = data.draw(st.integers(0, old - 1))
    forged = list(_BODIES)
    match data.draw(st.sampled_from(["change", "drop", "swap"])):
        case "change":
            forged[place] += b" or so"
        case "drop":
            forged[place : place + 1] = []
            forged.append(b"one more")
        case _:
            forged[place], forged[old] = forged[old], forged[place]
    tree = tree_of(forged)
    with pytest.raises(ProofError, match="does not begin"):
        check_growth(
            _checkpoint(old), Checkpoint("log", new, tree.root(new)), tree.consistency(old, new)
        )


def test_a_shrunk_log_or_one_of_another_name_is_no_growth() -> None:
    with pytest.raises(ProofError, match="fewer than"):
        check_growth(_checkpoint(9), _checkpoint(8), [])
    with pytest.raises(ProofError, match="two logs"):
        check_growth(_checkpoint(8), Checkpoint("other", 9, b""), [])
    with pytest.raises(ProofError, match="Two roots"):
        check_growth(_checkpoint(8), Checkpoint("log", 8, b"\0" * 32), [])


@given(st.integers(0, 600))
def test_a_frontier_goes_on_where_it_was_packed(size: int) -> None:
    frontier = Frontier()
    for body in _BODIES[:size]:
        frontier.push(leaf_hash(body))
    again = unpacked(size, frontier.packed())
    again.push(leaf_hash(_BODIES[size]))
    assert again.root == _TREE.root(size + 1)


def test_a_frontier_of_the_wrong_number_of_peaks_is_refused() -> None:
    with pytest.raises(ProofError, match="3 events has 2 peaks"):
        unpacked(3, b"\0" * 32)


def test_a_tree_says_what_its_log_lacks() -> None:
    with pytest.raises(ProofError, match="lacks node"):
        tree_of(_BODIES[:5]).node(0, 5)
    with pytest.raises(ProofError, match="not in a log"):
        _TREE.inclusion(8, 8)
