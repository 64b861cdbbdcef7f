"""The command that starts a process of ours which is to be confined."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The import path is handed over as data, so that neither PYTHONPATH nor the user's own site folder
# must reach the process's environment; -I keeps its working folder off that path.
_LAUNCH = (
    "import json, sys; from importlib import import_module;"
    " module, path, given = json.loads(sys.argv.pop(1));"
    " sys.path += [place for place in path if place not in sys.path];"
    " import_module(module).main(given)"
)


def command(module: str, given: Mapping[str, Any]) -> list[str]:
    """Return the command that calls `main(given)` of a module, in a Python of its own.

    Args:
        module: its full name; it is found wherever we find it.
        given: JSON for it.
    """
    return [sys.executable, "-I", "-c", _LAUNCH, json.dumps([module, _import_path(), given])]


def _import_path() -> list[str]:
    """Return from where we import, but for where we happen to stand.

    Python puts a script's own folder, or the one in which `python -m` was called, on its path.
    What lies there belongs to whoever called it, and is no kernel's business.
    """
    here = {Path.cwd(), Path(sys.argv[0]).resolve().parent}
    places = [place for place in sys.path if Path(place).is_absolute()]
    return [place for place in places if Path(place).resolve() not in here]
