"""The folder listing is the architecture diagram, and the build fails when it lies."""

import ast
import subprocess
import sys

import pytest
from house.documents import ROOT

KERNEL = (
    *("__init__", "session", "magics", "wire", "errors"),
    *("table", "arrow", "card", "conclusion", "frame", "lines", "rendering"),
    *("telemetry", "planning"),
)
"""What a kernel loads; see the layers of `interlock` in pyproject.toml."""


def _imports(module: str) -> set[str]:
    """Return the dotted names of everything that a kernel module imports, wherever it does."""
    source = (ROOT / "library/interlock" / f"{module}.py").read_text("utf-8")
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _is_allowed(imported: str) -> bool:
    root, _, rest = imported.partition(".")
    if root == "interlock":
        return rest.partition(".")[0] in KERNEL
    return root in sys.stdlib_module_names


def test_every_import_contract_of_pyproject_is_kept() -> None:
    """Import-linter owns the layers; an unlisted new module breaks them too."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(  # noqa: S603  our own interpreter and our own text
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", KERNEL)
def test_what_a_kernel_loads_imports_the_standard_library_and_its_neighbours(module: str) -> None:
    assert {name for name in _imports(module) if not _is_allowed(name)} == set()
