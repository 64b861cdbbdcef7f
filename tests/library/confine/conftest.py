"""What these tests need of the machine."""

from support.confining import confining

__all__ = ["confining"]
