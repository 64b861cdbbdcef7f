"""The command line. Thin: what it knows and what it changes, it asks of the gateway."""

import sys

from interlock.cli.overview import OVERVIEW

INSTALL = """\
✖ The command line needs more than the library: {missing} is not installed.
  next  pip install 'interlock-runbooks[run]'
"""
"""What a responder reads who installed the library alone."""


def main() -> None:
    """Run the `interlock` command and leave with its exit code."""
    if sys.argv[1:] in ([], ["--help"], ["-h"], ["help"]):
        sys.stdout.write(OVERVIEW)
        return
    try:
        from interlock.cli.entry import entry  # noqa: PLC0415  the overview loads nothing else
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("interlock"):
            raise
        sys.stderr.write(INSTALL.format(missing=missing.name))
        sys.exit(1)
    sys.exit(entry(sys.argv[1:]))
