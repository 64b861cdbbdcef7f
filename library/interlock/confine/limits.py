"""How much of the machine a kernel may use, as limits of its process (`setrlimit(2)`)."""

import resource
from dataclasses import dataclass

_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kernel gets.

    Attributes:
        memory: bytes of memory of its own; more is a `MemoryError` in the cell.
        file: bytes of its largest file; more is an `OSError`.
        descriptors: files, pipes and sockets that are open at once.
    """

    memory: int = 4096 * _MIB
    file: int = 256 * _MIB
    descriptors: int = 512

    def set(self) -> None:
        """Bind this process, for ever: what is lowered here it cannot raise."""
        # What is shared or reserved counts as address space alone: libraries reserve a lot.
        for what, most in (
            (resource.RLIMIT_DATA, self.memory),
            (resource.RLIMIT_AS, 4 * self.memory),
            (resource.RLIMIT_FSIZE, self.file),
            (resource.RLIMIT_NOFILE, self.descriptors),
            (resource.RLIMIT_CORE, 0),  # a core file would hold production data
            (resource.RLIMIT_MEMLOCK, 0),
        ):
            allowed = resource.getrlimit(what)[1]
            least = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(what, (least, least))
