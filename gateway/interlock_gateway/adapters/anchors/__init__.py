"""Where checkpoints are laid down outside the store, one file for each kind of place."""

from interlock_gateway.adapters.anchors.file import FileAnchor

__all__ = ["FileAnchor"]
