"""Habits that no linter of ours knows: reasons beside exceptions, sizes, waits, skips."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from house.documents import ROOT, files, functions, name

_CODE = ("library", "gateway", "tests", "benchmarks")
_EXCEPTION = re.compile(r"#\s*(?:ruff:\s*)?(?:noqa|type:\s*ignore|pragma:)")
_NOQA = re.compile(r"# (?:ruff: )?noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*  \S.*")
_IGNORE = re.compile(r"# type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]  # \S.*")
_MIGRATIONS = "gateway/interlock_gateway/adapters/store/migrations/versions/"
_PARTS = re.compile(
    r"postgres|chromium|mariadb|wheel|install|root|embedded|packages", re.IGNORECASE
)
_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|tmp/w)(?:/|\b)")
LONGEST_FUNCTION = 50
LONGEST_FILE = 450


def _lines(*suffixes: str, below: tuple[str, ...] = _CODE) -> Iterator[tuple[str, str]]:
    """Yield (place, line) of our sources; this file, which names what is banned, left out."""
    for path in files(*suffixes, below=below):
        if path != Path(__file__):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                yield f"{name(path)}:{number}", line


def _has_reason(line: str) -> bool:
    if "pragma:" in line:
        return False
    return bool(_NOQA.search(line) if "noqa" in line else _IGNORE.search(line))


def test_every_exception_to_a_rule_gives_its_reason_on_the_same_line() -> None:
    bare = [
        place for place, line in _lines(".py") if _EXCEPTION.search(line) and not _has_reason(line)
    ]
    assert not bare, "\n".join(bare)


def test_nothing_is_mocked() -> None:
    mocked = [p for p, line in _lines(".py") if re.search(r"unittest\.mock|import mock", line)]
    assert not mocked, "\n".join(mocked)


def test_a_test_that_sleeps_says_why() -> None:
    """A wait for a condition is a reason; a wait for luck is not."""
    silent = []
    for path in files(".py", below=("tests",)):
        lines = path.read_text("utf-8").splitlines()
        for call in _calls(path, "time.sleep"):
            near = lines[max(0, call.lineno - 3) : call.end_lineno]
            if not any("#" in line or re.match(r"\s*(while|for) ", line) for line in near):
                silent.append(f"{name(path)}:{call.lineno}")
    assert not silent, "\n".join(silent)


def _calls(path: Path, called: str) -> list[ast.Call]:
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    return [
        node for node in tree if isinstance(node, ast.Call) and ast.unparse(node.func) == called
    ]


def test_a_test_is_skipped_only_where_a_real_part_is_missing() -> None:
    skips = ("pytest.skip", "pytest.importorskip", "pytest.mark.skipif", "pytest.mark.skip")
    wrong = [
        f"{name(path)}:{call.lineno}"
        for path in files(".py", below=("tests",))
        for skip in skips
        for call in _calls(path, skip)
        if not _names_a_part(call) and skip != "pytest.importorskip"
    ]
    assert not wrong, "\n".join(wrong)


def _names_a_part(call: ast.Call) -> bool:
    """Tell whether a skip passes on what is missing, or names a part of the machine."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    told = [ast.unparse(each) for each in given]
    return any(_PARTS.search(text) or text == "str(missing)" for text in told)


def test_functions_are_short() -> None:
    found = sorted(functions("library", "gateway"), key=lambda each: each.lines)
    long = [each for each in found if each.lines > LONGEST_FUNCTION]
    assert [each.place for each in long if not each.place.startswith(_MIGRATIONS)] == []
    lengths = [each.lines for each in found]
    told = f"{len(found)} functions: median {median(lengths)}, p90 {quantiles(lengths, n=10)[8]}"
    assert median(lengths) <= 10, told
    assert quantiles(lengths, n=10)[8] <= 30, told


def test_no_file_is_two_ideas() -> None:
    ours = files(".py", below=("library", "gateway"))
    sizes = {name(path): len(path.read_text("utf-8").splitlines()) for path in ours}
    assert {place: size for place, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_text_names_a_folder_of_somebodys_machine() -> None:
    named = [
        place
        for path in files()
        if path.suffix not in {".png", ".lock", ".pyc"} and path != Path(__file__)
        for place, line in _lines_of(path)
        if _MACHINE.search(line)
    ]
    assert not named, "\n".join(named)


def _lines_of(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_bytes().decode(errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        yield f"{name(path)}:{number}", line


def test_the_checkout_looks_like_the_map_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    folders = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    ours = {"gateway", "library", "policies", "runbooks", "tests", "benchmarks", "docs"}
    assert ours <= set(folders)
    assert [folder for folder in sorted(ours) if f"{folder}/" not in readme] == []
