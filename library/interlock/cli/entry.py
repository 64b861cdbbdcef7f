"""From arguments to an exit code: every failure becomes words, none a traceback."""

import os
import re
import traceback
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts.exceptions import CycloptsError, UnusedCliTokensError

from interlock.cli import refusal
from interlock.cli.app import VERBS, app
from interlock.cli.page import EVERYTHING
from interlock.cli.plain import flat
from interlock.cli.world import WORLD, World, real_world
from interlock.errors import InterlockError, UsageError

_FIELDS = re.compile(r"[a-z_]+(,[a-z_]+)*")


def entry(arguments: Sequence[str], world: World | None = None) -> int:
    """Run the verb that `arguments` name in `world` and return the exit code."""
    world = world or real_world()
    token = WORLD.set(world)
    try:
        return _guarded(list(arguments), world)
    finally:
        WORLD.reset(token)


def with_fields(arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with a bare `--json` spelt out: it takes fields, but need not."""
    spelt: list[str] = []
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        bare = argument == "--json" and not _FIELDS.fullmatch(following)
        spelt.append(f"--json={EVERYTHING}" if bare else argument)
    return spelt


def _guarded(arguments: list[str], world: World) -> int:
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        world.hint("\n✖ Interrupted. What had started at the gateway is in its timeline.")
        return refusal.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # noqa: BLE001  people get words; a defect is told as one
        told = _told(error, world)
        refusal.print_refusal(world, told)
        return refusal.exit_code(told)


def _run(arguments: list[str]) -> int:
    _refuse_unknown(arguments)
    result = app(with_fields(arguments))
    return result if isinstance(result, int) else refusal.OK


def _refuse_unknown(arguments: list[str]) -> None:
    """Refuse a verb that is none, without loading every verb as cyclopts would."""
    verb = next(iter(arguments), "-")
    if verb in VERBS or verb.startswith("-"):
        return
    near = get_close_matches(verb, VERBS, n=1)
    hint = f" Did you mean `interlock {near[0]}`?" if near else ""
    raise UsageError(f"There is no verb {flat(verb)!r}.{hint}", help="See `interlock --help`.")


def _told(error: Exception, world: World) -> InterlockError:
    """Return `error` as words for people."""
    match error:
        case InterlockError():
            return error
        case CycloptsError():
            return _misused(error)
        case OSError():
            return _file(error)
        case _:
            return _defect(error, world)


def _misused(error: CycloptsError) -> UsageError:
    verb = " ".join(["interlock", *(error.command_chain or ())])
    words = str(error).replace("\n", " ")
    if isinstance(error, UnusedCliTokensError):
        words = f"`{verb}` has no use for {' '.join(error.unused_tokens or [])!r}."
    return UsageError(words, help=f"See `{verb} --help`.")


def _file(error: OSError) -> InterlockError:
    place = f"{error.filename}: " if error.filename else ""
    return InterlockError(
        f"{place}{error.strerror or error}.",
        help="Check the path, its permissions and the free space.",
    )


def _defect(error: Exception, world: World) -> InterlockError:
    if "INTERLOCK_DEBUG" in world.environ:
        world.hint("".join(traceback.format_exception(error)))
    return InterlockError(
        f"Interlock itself failed: {type(error).__name__}: {error}",
        help="That is a defect. INTERLOCK_DEBUG=1 shows where; please report it.",
    )


def _reader_gone() -> int:
    """End quietly when `head` or `less` has read enough (see Python's note on SIGPIPE)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return refusal.FAILED
