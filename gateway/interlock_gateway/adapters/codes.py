"""One-time codes of local people, as files beside the store.

Whoever may write the gateway's home folder may let people in; the operator's command writes a
file named by the hash of the code, and the first login with it removes the file. This is for one
machine; a real identity provider takes the place of this adapter.
"""

import hashlib
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

from interlock_gateway.core.model import Person

LIFE = timedelta(minutes=30)
_PERSON = re.compile(r"[a-z][a-z0-9-]{0,62}")


class LocalCodes:
    """Implements `service.identity.CodeBook` over a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, person: Person, code: str, now: datetime) -> None:
        """Make `code` good for one login of `person`.

        Raises:
            ValueError: the person's id is not a slug.
        """
        if not _PERSON.fullmatch(person.id):
            raise ValueError(f"{person.id!r} is not a name of small letters, digits and dashes.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ends = (now + LIFE).isoformat()
        content = json.dumps({"person": person.id, "name": person.name, "expires_at": ends})
        handle = os.open(self._file(code), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(content)

    def redeem(self, code: str, now: datetime) -> Person | None:
        """Return whose code this is; removing its file decides between two who use it at once."""
        path = self._file(code)
        try:
            content = json.loads(path.read_text())
            path.unlink()
            if now >= datetime.fromisoformat(content["expires_at"]):
                return None
            return Person(content["person"], content["name"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _file(self, code: str) -> Path:
        plain = re.sub(r"[^A-Z0-9]", "", code.upper())
        return self._folder / f"{hashlib.sha256(plain.encode()).hexdigest()}.json"
