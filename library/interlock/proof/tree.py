"""The Merkle tree of a log that only grows: its frontier, and proofs out of it (RFC 6962, 2.1).

A tree over n leaves needs only its frontier to grow: the roots of the complete subtrees that n is
made of, largest first. Proofs need more; they ask for it in tiles of 256 hashes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from interlock.proof.checking import ProofError, leaf_hash, node_hash

HASH_BYTES = 32
TILE = 8
"""Levels of the tree from one row of tiles to the next: a tile holds 2**8 hashes."""
TILE_HASHES = 1 << TILE

EMPTY_ROOT = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
"""The root of a log without events: SHA-256 of nothing."""


@dataclass(slots=True)
class Frontier:
    """What a log must know of its past to grow: its size, and a root for each set bit of it."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def push(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Append a leaf; return (level, index, hash) of each complete subtree it ends.

        Only levels that begin a row of tiles are returned: 8, 16, 24, …
        """
        found: list[tuple[int, int, bytes]] = []
        level, index, whole = 0, self.size, leaf
        while index % 2:
            level, index = level + 1, index // 2
            whole = node_hash(self.peaks.pop(), whole)
            if level % TILE == 0:
                found.append((level, index, whole))
        self.peaks.append(whole)
        self.size += 1
        return found

    @property
    def root(self) -> bytes:
        """The root over all leaves."""
        if not self.peaks:
            return EMPTY_ROOT
        whole = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            whole = node_hash(peak, whole)
        return whole

    def packed(self) -> bytes:
        """Return the peaks as bytes, 32 each."""
        return b"".join(self.peaks)


def unpacked(size: int, peaks: bytes) -> Frontier:
    """Return the frontier that `packed` was made of.

    Raises:
        ProofError: a log of this size has another number of peaks.
    """
    if len(peaks) != HASH_BYTES * size.bit_count():
        raise ProofError(f"A log of {size} events has {size.bit_count()} peaks.")
    parts = [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)]
    return Frontier(size, parts)


Fetch = Callable[[int, int], Sequence[bytes]]
"""(level, tile) → the hashes of a tile, up to 256: at level 0 leaves, at level 8 their roots, …"""


class Tree:
    """Proofs out of a log; tiles are fetched as they are needed, and kept."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], list[list[bytes]]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Return the root of the complete subtree of 2**level leaves, the `index`th of them.

        Raises:
            ProofError: the log does not hold it.
        """
        row, above = divmod(level, TILE)
        tile, place = divmod(index << above, TILE_HASHES)
        try:
            return self._pyramid(row * TILE, tile)[above][place >> above]
        except IndexError:
            raise ProofError(f"The log lacks node {index} of level {level}.") from None

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves."""
        return self._over(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the path from a leaf to the root over the first `size` leaves."""
        if not 0 <= index < size:
            raise ProofError(f"Place {index} is not in a log of {size} events.")
        path: list[bytes] = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._over(middle, high))
                high = middle
            else:
                path.append(self._over(low, middle))
                low = middle
        path.reverse()
        return path

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return what shows that the log of `new` leaves begins with that of `old`."""
        if not 0 <= old <= new:
            raise ProofError(f"A log of {new} events does not contain {old}.")
        if old in (0, new):
            return []
        path: list[bytes] = []
        low, high, rest = 0, new, old
        whole = True  # whether the left edge is still that of the tree: its root is known then
        while rest != high - low:
            middle = _split(high - low)
            if rest <= middle:
                path.append(self._over(low + middle, high))
                high = low + middle
            else:
                path.append(self._over(low, low + middle))
                low, rest, whole = low + middle, rest - middle, False
        if not whole:
            path.append(self._over(low, high))
        path.reverse()
        return path

    def _over(self, low: int, high: int) -> bytes:
        """Return the root over the leaves from `low`, a subtree's edge, up to `high`."""
        width = high - low
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.node(level, low >> level)
        middle = low + _split(width)
        return node_hash(self._over(low, middle), self._over(middle, high))

    def _pyramid(self, level: int, tile: int) -> list[list[bytes]]:
        """Return a tile's hashes and every complete level above them, inside the tile."""
        if (level, tile) not in self._tiles:
            rows = [list(self._fetch(level, tile))]
            while len(rows) < TILE and len(rows[-1]) > 1:
                below = rows[-1]
                pairs = zip(below[::2], below[1::2], strict=False)
                rows.append([node_hash(left, right) for left, right in pairs])
            self._tiles[level, tile] = rows
        return self._tiles[level, tile]


def _split(width: int) -> int:
    """Return the largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def tree_of(bodies: Sequence[bytes]) -> Tree:
    """Return a tree over bodies that are all in memory."""
    rows = {0: [leaf_hash(body) for body in bodies]}
    frontier = Frontier()
    for leaf in rows[0]:
        for level, _, whole in frontier.push(leaf):
            rows.setdefault(level, []).append(whole)

    def fetch(level: int, tile: int) -> Sequence[bytes]:
        return rows.get(level, [])[tile * TILE_HASHES : (tile + 1) * TILE_HASHES]

    return Tree(fetch)
