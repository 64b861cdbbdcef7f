"""What catalogued actions ask of systems that speak HTTP: requests, and how answers are read.

    exchange.filled(base, values) -> Written      every byte of the request, decided
    written.text                                  what approvers read, and what is kept
    understood(text)                              the same request again, or an error
    selected(written.selection, document)         typed rows, as a SQL read gives them

Nothing here touches the network.
"""

from interlock_gateway.core.exchange.errors import ExchangeError
from interlock_gateway.core.exchange.exchange import Exchange
from interlock_gateway.core.exchange.selection import Condition, Selection, Shown, selected
from interlock_gateway.core.exchange.slots import ASKED, Each, Hole, Text, moment
from interlock_gateway.core.exchange.vendors import VENDORS, Vendor
from interlock_gateway.core.exchange.written import Written, understood

__all__ = [
    "ASKED",
    "VENDORS",
    "Condition",
    "Each",
    "Exchange",
    "ExchangeError",
    "Hole",
    "Selection",
    "Shown",
    "Text",
    "Vendor",
    "Written",
    "moment",
    "selected",
    "understood",
]
