"""Confinement of kernels by the operating system: a kernel reaches its one socket, and no more."""

from interlock.confine.ladder import CannotConfineError, Reach, Rung, confine, probe
from interlock.confine.limits import Limits
from interlock.confine.room import Room

__all__ = ["CannotConfineError", "Limits", "Reach", "Room", "Rung", "confine", "probe"]
