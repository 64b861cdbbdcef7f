"""What proves a record: the log's Merkle tree, its signed checkpoints, and how both are checked.

`checking` needs nothing of Interlock, so that a reader can run it alone; `tree` and `notes` are
what the gateway writes with.
"""

from interlock.proof.checking import (
    BLOCK,
    Checkpoint,
    Finding,
    Key,
    ProofError,
    block_findings,
    check_growth,
    leaf_hash,
    read_checkpoint,
    read_key,
    root_by_path,
    signers,
)
from interlock.proof.notes import checkpoint_text, key_text, note_of, signature_line
from interlock.proof.tree import TILE_HASHES, Frontier, Tree, tree_of, unpacked

__all__ = [
    "BLOCK",
    "TILE_HASHES",
    "Checkpoint",
    "Finding",
    "Frontier",
    "Key",
    "ProofError",
    "Tree",
    "block_findings",
    "check_growth",
    "checkpoint_text",
    "key_text",
    "leaf_hash",
    "note_of",
    "read_checkpoint",
    "read_key",
    "root_by_path",
    "signature_line",
    "signers",
    "tree_of",
    "unpacked",
]
