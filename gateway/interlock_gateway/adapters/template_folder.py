"""A team's templates of exports: the files `NAME.md` in a folder, read anew for each export."""

import os
import stat
from pathlib import Path

from interlock.export.templates import MAX_CHARACTERS, is_name

_MOST_BYTES = 4 * MAX_CHARACTERS  # UTF-8 takes at most four for a character


class TemplateFolder:
    """Implements `service.gateway.TemplateSource`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        """Return the text of a template; None where there is no such file.

        A link or a device in the place of a file is none; a file too large is cut, and is then
        refused for its size.
        """
        if not is_name(name):
            return None
        try:
            handle = os.open(
                self._folder / f"{name}.md", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            return file.read(_MOST_BYTES + 1).decode("utf-8", "replace")

    def names(self) -> tuple[str, ...]:
        """Return what templates there are, sorted."""
        try:
            found = [path.stem for path in self._folder.iterdir() if path.suffix == ".md"]
        except OSError:
            return ()
        return tuple(sorted(filter(is_name, found)))
