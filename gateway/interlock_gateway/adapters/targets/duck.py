"""DuckDB as a target; the gateway itself never loads DuckDB, its children do."""

from importlib.util import find_spec

from interlock_gateway.adapters.targets import duck_catalogue
from interlock_gateway.adapters.targets.file_calls import Engine, FileActor, FileReader
from interlock_gateway.core.model import Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import Secrets

_ENGINE = Engine("DuckDB", "interlock_gateway.adapters.targets.duck_child")


class DuckdbReader(FileReader):
    """Reads a file that is opened read-only, with everything outside it closed."""

    def __init__(self, secrets: Secrets) -> None:
        """Open no file yet; `secrets` gives the file's path at each call."""
        _need_driver()
        super().__init__(secrets, _ENGINE)

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in a target mean now; see `service.targets.Catalogues`."""
        return duck_catalogue.catalogue(await self.facts(target), target.reads.functions)


class DuckdbActor(FileActor):
    """Changes a file in one transaction that stands only if its result is the approved one."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        _need_driver()
        super().__init__(secrets, _ENGINE)


def _need_driver() -> None:
    """Raise an ImportError that names what is missing; here DuckDB itself is not loaded."""
    if find_spec("duckdb") is None:
        raise ModuleNotFoundError(name="duckdb")
