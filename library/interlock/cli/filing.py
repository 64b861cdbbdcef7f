"""A person's own file, written so that it is the old one or the new one, and never half of one."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interlock.errors import UsageError

MAX_BYTES = 32 * 1024 * 1024
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Filed:
    """A file as it was read.

    Attributes:
        path: the file itself, with every link on the way followed.
        raw: its bytes.
        text: the same as text, without a byte order mark.
        mode: who may read and write it.
    """

    path: Path
    raw: bytes
    text: str
    mode: int


class Filing:
    """Reads a file and writes it again, whole; a link stays a link to it."""

    def __init__(self, path: Path) -> None:
        self._named = path
        self._path = Path(os.path.realpath(path))

    def read(self) -> Filed | None:
        """Return the file; None where there is none yet.

        Raises:
            UsageError: it is no file, too large, or not UTF-8; it is left alone.
        """
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(str(error)) from error
        if not stat.S_ISREG(facts.st_mode):
            raise self._refused("it is no file")
        if facts.st_size > MAX_BYTES:
            raise self._refused(f"it is larger than {MAX_BYTES // 1024 // 1024} MB")
        raw = self._path.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._refused(f"it is not UTF-8 (byte {error.start:,})") from error
        return Filed(self._path, raw, text.removeprefix(_BOM), stat.S_IMODE(facts.st_mode))

    def create(self, text: str) -> None:
        """Make the file, as the first to do so.

        Raises:
            UsageError: somebody else made it meanwhile, or its folder cannot be written.
        """
        try:
            with self._beside(_usual_mode(), text.encode("utf-8")) as temporary:
                os.link(temporary, self._path)  # unlike a rename, never over another file
        except OSError as error:
            raise self._refused(str(error)) from error
        _durable(self._path.parent)

    def put(self, content: bytes, *, mode: int | None = None) -> None:
        """Have the file hold `content` and nothing else, whatever it held before.

        What is no file, such as `/dev/stdout` or a pipe, is written to.

        Args:
            content: the whole of it.
            mode: who may read and write it; None for whoever could before, or may by the mask.

        Raises:
            OSError: it cannot be written, by its name; what was there is as it was.
        """
        try:
            facts = self._path.stat() if self._path.exists() else None
            if facts is not None and not stat.S_ISREG(facts.st_mode):
                self._named.write_bytes(content)
                return
            known = stat.S_IMODE(facts.st_mode) if facts else _usual_mode()
            with self._beside(known if mode is None else mode, content) as temporary:
                temporary.replace(self._path)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._named)) from error
        _durable(self._path.parent)

    def keep(self, filed: Filed) -> Path:
        """Keep a copy of the file as it was read, beside it, and return where."""
        for number in range(1, 1_000):
            more = f".{number}" if number > 1 else ""
            path = filed.path.with_name(f"{filed.path.name}.edited{more}")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, filed.mode)
            except FileExistsError:
                continue
            with os.fdopen(handle, "wb") as file:
                _write(file.fileno(), filed.raw)
            return path
        raise self._refused("there are too many kept copies beside it already")

    def replace(self, filed: Filed, text: str) -> None:
        """Put `text` in the place of what was read, at once.

        Raises:
            UsageError: the file has changed since it was read, or cannot be written.
        """
        mark = _BOM if filed.raw.startswith(_BOM.encode()) else ""
        try:
            with self._beside(filed.mode, (mark + text).encode("utf-8")) as temporary:
                if filed.path.read_bytes() != filed.raw:
                    raise self._refused("somebody else changed it meanwhile; export again")
                temporary.replace(filed.path)
        except OSError as error:
            raise self._refused(str(error)) from error
        _durable(filed.path.parent)

    @contextmanager
    def _beside(self, mode: int, content: bytes) -> Iterator[Path]:
        """Lend a file with `content` in the same folder; whatever happens, it does not stay."""
        handle, name = tempfile.mkstemp(prefix=".interlock-", dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                _write(file.fileno(), content)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"{self._named} was not written: {why}.", help="Name another file, or mend this one."
        )


def _usual_mode() -> int:
    """Return the mode of a new file here; the mask can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _write(handle: int, content: bytes) -> None:
    with memoryview(content) as rest:
        done = 0
        while done < len(content):
            done += os.write(handle, rest[done:])
    os.fsync(handle)


def _durable(folder: Path) -> None:
    """Make sure that the new name of a file outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
