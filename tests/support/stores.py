"""An empty store of this version's schema: migrated once in a process, then copied."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from interlock_gateway.adapters.store.migrate import migrate
from sqlalchemy import create_engine


def embedded(file: Path) -> Path:
    """Put an empty store where there is none; whoever opens it first founds its log."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(_empty())
    return file


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        engine = create_engine(f"sqlite:///{file}")
        migrate(engine)
        engine.dispose()
        return file.read_bytes()
