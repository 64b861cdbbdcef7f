"""What a figure claims, and that every benchmark is in the table."""

import ast
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def module(name: str) -> ModuleType:
    spec = spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[spec.name] = made  # a dataclass looks its own module up
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def claims() -> Any:
    return module("figure")


def test_a_ratio_is_held_against_the_peer(claims: Any) -> None:
    target = claims.Target("ratio", 0.75)
    assert claims.Figure("cold", "ms", 75, "nbclient", 100, target).verdict == "met"
    assert claims.Figure("cold", "ms", 76, "nbclient", 100, target).verdict == "missed"


def test_a_difference_is_what_is_added_to_the_peer(claims: Any) -> None:
    target = claims.Target("difference", 1.5)
    assert claims.Figure("guards", "ms", 2.5, "pass-through", 1.0, target).verdict == "met"
    assert claims.Figure("guards", "ms", 2.6, "pass-through", 1.0, target).verdict == "missed"


def test_where_more_is_better_the_target_is_a_floor(claims: Any) -> None:
    target = claims.Target("value", 2_000)
    assert claims.Figure("appends", "/s", 2_000, target=target, better="more").verdict == "met"
    assert claims.Figure("appends", "/s", 1_999, target=target, better="more").verdict == "missed"


def test_without_a_target_nothing_is_promised(claims: Any) -> None:
    found = claims.Figure("policy", "/s", 10, "pycasbin", 20)
    assert (found.ratio, found.verdict) == (0.5, "no target yet")


def test_what_could_not_be_measured_says_so_and_claims_nothing(claims: Any) -> None:
    found = claims.NotMeasured("guarded point query", "datasette", "not installed yet")
    assert (found.ratio, found.verdict) == (None, "not measured")


def test_a_target_that_needs_a_peer_is_not_met_without_one(claims: Any) -> None:
    lonely = claims.Figure("cold", "ms", 75, target=claims.Target("ratio", 0.75))
    with pytest.raises(ValueError, match="needs a peer"):
        assert lonely.verdict


def test_sides_take_turns_and_the_warm_up_does_not_count(claims: Any) -> None:
    order: list[str] = []

    def side(name: str, values: list[float]) -> Any:
        def once() -> float:
            order.append(name)
            return values.pop(0)

        return once

    sides = {"a": side("a", [99, 1, 2, 3]), "b": side("b", [99, 4, 5, 6])}
    assert claims.alternated(sides, smoke=False, times=3) == {"a": 2, "b": 5}
    assert order == ["a", "b"] * 4


def test_every_benchmark_is_in_the_table() -> None:
    with_figures = {
        path.stem for path in FOLDER.glob("*.py") if "\ndef figures(" in path.read_text("utf-8")
    }
    lines = ast.parse((FOLDER / "run.py").read_text("utf-8")).body
    names = next(
        ast.literal_eval(line.value)
        for line in lines
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "NAMES"
    )
    assert set(names) == with_figures
