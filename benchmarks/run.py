"""Every figure beside its peer: `python benchmarks/run.py [--json] [--smoke] [NAME…]`.

A verdict is no exit code: timing is no test. It fails only if something could not be measured.
"""

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]  # real parts are made as tests make them

from figure import Figure, NotMeasured, Target, milliseconds, with_bytecode  # noqa: E402  found beside this file, see above

NAMES = (
    "cold_start",
    "per_cell",
    "guards",
    "sql_peers",
    "appends",
    "proofs",
    "approvals",
    "inbox",
    "exports",
    "classify",
    "file_children",
    "policy",
    "html_export",
)
_WIDTHS = (36, 10, 21, 5, 10, 13)
_HEAD = ("figure", "this", "peer", "ratio", "target", "verdict")


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark's figures, the load at its end, how long it took, and why it has none."""

    name: str
    figures: tuple[Figure | NotMeasured, ...]
    load: float
    seconds: float
    trouble: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if a figure could not be measured."""
    given = _parser().parse_args(arguments)
    with_bytecode()
    if not given.json:
        print(_line(_HEAD))
    found = []
    for name in given.names or NAMES:
        one = measured(name, smoke=given.smoke)
        found.append(one)
        if not given.json:
            print("\n".join(lines(one)), flush=True)
    print(json.dumps(_as_json(found), indent=2) if given.json else _told(_machine()))
    return 1 if any(one.trouble for one in found) else 0


def measured(name: str, *, smoke: bool) -> Measured:
    """Run one benchmark; what goes wrong in it is told and stops no other."""
    began = perf_counter()
    figures: list[Figure | NotMeasured] = []
    trouble = ""
    try:
        figures = import_module(name).figures(smoke=smoke)
    except Exception as error:  # noqa: BLE001  whatever it is, the other figures are measured
        trouble = f"{type(error).__name__}: {error}".splitlines()[0]
        traceback.print_exc()
    return Measured(name, tuple(figures), os.getloadavg()[0], perf_counter() - began, trouble)


def lines(one: Measured) -> list[str]:
    """Return a benchmark's lines of the table."""
    told = f"  {one.name}: {one.seconds:.0f} s, load {one.load:.1f}"
    trouble = [f"✖ {one.name} could not be measured: {one.trouble}"[:100]] if one.trouble else []
    return [*map(_row, one.figures), *trouble, told]


def _row(figure: Figure | NotMeasured) -> str:
    if isinstance(figure, NotMeasured):
        return (
            f"{figure.name:<{_WIDTHS[0]}} {figure.verdict} beside {figure.peer_name}: {figure.why}"
        )
    peer = f"{figure.peer_name} {_number(figure.peer)}" if figure.peer else "-"
    ratio = f"{figure.ratio:.2f}" if figure.ratio else "-"
    ours = f"{_number(figure.ours)}{_unit(figure)}"
    return _line((figure.name, ours, peer, ratio, _target(figure), figure.verdict))


def _line(cells: Sequence[str]) -> str:
    return " ".join(
        f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)
    ).rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _unit(figure: Figure) -> str:
    return figure.unit if figure.unit.startswith("/") else f" {figure.unit}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return "-"
    sign = "≤" if figure.better == "less" else "≥"
    match figure.target:
        case Target("ratio", limit):
            return f"{sign} {limit:g} \N{MULTIPLICATION SIGN}"
        case Target("difference", limit):
            return f"{sign} {limit:+g}{_unit(figure)}"
        case Target(_, limit):
            return f"{sign} {limit:,g}{_unit(figure)}"


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "fdatasync_ms": round(_sync_ms(), 2),
    }


def _sync_ms() -> float:
    """Return what one durable write costs here, which bounds everything that is recorded."""
    with TemporaryFile(buffering=0) as file:

        def sync() -> None:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())

        return median(milliseconds(sync) for _ in range(20))


def _told(machine: dict[str, Any]) -> str:
    loads = " ".join(str(load) for load in machine["load"])
    return (
        f"{machine['cores']} cores, Python {machine['python']}, load average {loads}, "
        f"fdatasync {machine['fdatasync_ms']} ms"
    )


def _as_json(found: Sequence[Measured]) -> dict[str, Any]:
    return {
        "machine": _machine(),
        "benchmarks": [
            {
                **asdict(one),
                "figures": [
                    {**asdict(figure), "ratio": figure.ratio, "verdict": figure.verdict}
                    for figure in one.figures
                ],
            }
            for one in found
        ],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--smoke", action="store_true", help="only show that all can be measured")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=(*NAMES, []))
    return parser


if __name__ == "__main__":
    sys.exit(main())
