"""A folder is read once it has come to rest, once for each state, and never in between."""

from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.policy.settling import RESTLESS_S, STILL_S, Folder, Next

START = Folder("old", "old", 0.0)


def look(folder: Folder, *looks: tuple[str, float]) -> tuple[Folder, list[Next]]:
    told = []
    for state, now in looks:
        folder, due = folder.looked_at(state, now)
        told.append(due)
    return folder, told


def test_a_folder_that_stays_as_it_is_is_not_read_again() -> None:
    assert look(START, ("old", 10), ("old", 20))[1] == [Next.NOTHING, Next.NOTHING]


def test_a_change_is_read_once_nothing_has_changed_for_a_while() -> None:
    looks = [("new", 10.0), ("new", 10 + STILL_S / 2), ("new", 10 + STILL_S)]

    assert look(START, *looks)[1] == [Next.WAIT, Next.WAIT, Next.LOAD]


def test_each_further_change_begins_the_wait_anew() -> None:
    """An editor that saves five files, one a second, is waited for."""
    saves = [(f"file {n}", 10.0 + n) for n in range(5)]

    assert look(START, *saves, ("file 4", 15.9), ("file 4", 16.0))[1] == [
        *[Next.WAIT] * 6,
        Next.LOAD,
    ]


def test_what_was_read_is_not_read_again_whether_or_not_it_loaded() -> None:
    folder, _ = look(START, ("bad", 10), ("bad", 13))

    assert look(folder.read("bad"), ("bad", 14), ("bad", 99))[1] == [Next.NOTHING, Next.NOTHING]


def test_a_signal_reads_a_folder_that_is_at_rest_at_once() -> None:
    folder, _ = look(START, ("old", 10))

    assert look(folder.asked(), ("old", 11))[1] == [Next.LOAD]


def test_a_signal_amid_changes_waits_for_their_end() -> None:
    folder, _ = look(START, ("half", 10))

    assert look(folder.asked(), ("half", 11), ("whole", 11.5), ("whole", 14))[1] == [
        *(Next.WAIT, Next.WAIT, Next.LOAD)
    ]


def test_a_folder_that_never_rests_is_told_of_once_and_never_read() -> None:
    looks = [(f"change {n}", 10.0 + n) for n in range(int(RESTLESS_S) * 2)]

    told = look(START, *looks)[1]

    assert told.count(Next.ALARM) == 1
    assert Next.LOAD not in told


def test_changes_that_were_taken_back_are_nothing_to_read() -> None:
    folder, told = look(START, ("new", 10), ("old", 11), ("old", 20))

    assert told == [Next.WAIT, Next.NOTHING, Next.NOTHING]
    assert folder.restless_since is None


def test_after_trouble_it_is_tried_again_only_after_a_while() -> None:
    folder, _ = look(START, ("new", 10), ("new", 12))

    assert look(folder.again(12), ("new", 12.5), ("new", 14))[1] == [Next.WAIT, Next.LOAD]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 1.9), st.booleans()), max_size=60)
)
def test_whatever_happens_only_a_state_that_was_still_is_read(
    steps: list[tuple[str, float, bool]],
) -> None:
    folder, now, changed = Folder("a", "a", 0.0), 0.0, 0.0
    state = "a"
    for new, passed, signalled in steps:
        now += passed
        changed = now if new != state else changed
        state = new
        folder, due = (folder.asked() if signalled else folder).looked_at(state, now)
        if due is Next.LOAD:
            assert now - changed >= STILL_S
            folder = folder.read(state)
