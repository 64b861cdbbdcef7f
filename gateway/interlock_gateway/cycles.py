"""How often the gateway's memory is searched for cycles of objects that nothing holds any more."""

import gc

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 50


def seek_cycles_seldom() -> None:
    """Leave what is there now alone for good, and search what comes after it a tenth as often.

    Call it when the gateway is composed. What is let go of without a cycle, which is nearly all,
    is freed at once in any case. The interpreter's own pace (after 700 objects, 10, 10) goes
    through a large timeline again and again while it is read: a fifth of the time of an export,
    for nothing. Of what does hang in cycles, up to 50,000 objects now wait, a few megabytes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
