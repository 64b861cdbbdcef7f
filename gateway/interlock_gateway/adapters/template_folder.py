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

        A link counts if it leads to a file of the same folder, as those of a mounted
        configuration do. A file too large is cut, and is then refused for its size.
        """
        if not is_name(name):
            return None
        folder = self._folder.resolve()
        path = (folder / f"{name}.md").resolve()
        if not path.is_relative_to(folder):
            return None
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return _text(handle)
        finally:
            os.close(handle)

    def names(self) -> tuple[str, ...]:
        """Return what templates there are, sorted."""
        try:
            found = [path.stem for path in self._folder.iterdir() if path.suffix == ".md"]
        except OSError:
            return ()
        return tuple(sorted(filter(is_name, found)))


def _text(handle: int) -> str | None:
    """Return what a file holds; None for a folder, a pipe or a device."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        return None
    with os.fdopen(os.dup(handle), "rb") as file:
        return file.read(_MOST_BYTES + 1).decode("utf-8", "replace")
