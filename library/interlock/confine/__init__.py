"""Confinement of kernels by the operating system: a kernel reaches its one socket, and no more."""

from interlock.confine.ladder import CannotConfineError, Reach, Rung, confine, probe
from interlock.confine.limits import Limits

__all__ = ["CannotConfineError", "Limits", "Reach", "Rung", "confine", "probe"]
