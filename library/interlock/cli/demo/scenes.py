"""What happens in the demo, a function each, in order."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from interlock import client
from interlock.cli import refusal
from interlock.cli.choosing import Chooser, changed_targets
from interlock.cli.demo.chat import Chat, slack_there
from interlock.cli.demo.colleague import approve
from interlock.cli.demo.orders import Target, jobs, orders
from interlock.cli.demo.stage import Stage, Wishes, home_with, stage
from interlock.cli.demo.voice import Voice
from interlock.cli.ending import Ending
from interlock.cli.house import shipped
from interlock.cli.run import Errand, exit_code, granted, ordered, this_runner
from interlock.cli.world import World
from interlock.client import NewRun, Place
from interlock.errors import Denied, InterlockError
from interlock.proof.bundle_checks import bundle_findings, files_of
from interlock.runbook import load
from interlock.runner.progress import RunResult
from interlock.testing.postgres import NoPostgres, PostgresFailed

FORMS = {"md": "to paste into the postmortem", "html": "the same as a page", "json": "as data"}


def play(world: World, wishes: Wishes, ending: Ending) -> int:
    """Play every scene and return the exit code; whatever happens, everything is stopped."""
    voice, began = Voice(world), time.monotonic()
    world.say("Interlock demo: one incident, all of it real, all of it on this machine.")
    with ExitStack() as stack:
        target = stack.enter_context(_faulty(voice))
        ending.obey()
        chat = stack.enter_context(slack_there()) if wishes.slack else None
        staged = stack.enter_context(_staged(voice, target, chat))
        with ending.at_once():
            code = _incident(voice, staged, target, wishes)
            if wishes.keep:
                _linger(voice, staged)
    world.say()
    if code:
        world.say("✖ That is not how the demo should go; see what it says above.", "bad")
    world.say(f"{time.monotonic() - began:.0f} s in all; what was started is stopped and removed.")
    _what_next(world, wishes)
    return code


def _incident(voice: Voice, staged: Stage, target: Target, wishes: Wishes) -> int:
    incident = _declare(voice, staged, target)
    _refused(voice, staged, target, incident)
    code = _run(voice, staged, target, incident, wishes)
    if target.waiting:
        _prove(voice, target)
    if staged.chat is not None:
        code = _ended_in_slack(voice, staged.chat, target) or code
    _close(voice, staged, target, incident)
    _write_up(voice, staged, incident, wishes.folder)
    return _verify(voice, staged, incident, wishes.folder) or code


# --- the systems --------------------------------------------------------------------------------


@contextmanager
def _faulty(voice: Voice) -> Iterator[Target]:
    """Yield a PostgreSQL in which sessions wait for a lock, or say why it is a SQLite file."""
    with ExitStack() as stack:
        try:
            voice.title("A database with a real fault")
            target = stack.enter_context(orders())
        except (NoPostgres, PostgresFailed, ImportError) as error:
            voice.say(
                f"No PostgreSQL here, so this is the short, read-only story. {error}", "warn"
            )
            folder = stack.enter_context(_temporary())
            sample = shipped("runbooks") / "sqlite" / "job-queue-check.sample.sql"
            target = stack.enter_context(jobs(folder, sample.read_text("utf-8")))
        voice.say(target.where)
        yield target


@contextmanager
def _staged(voice: Voice, target: Target, chat: Chat | None) -> Iterator[Stage]:
    voice.title("A gateway, and two people")
    with (
        home_with(target.targets) as home,
        stage(voice.world, home, target.secrets, chat) as staged,
    ):
        voice.say(f"{home.url} alone holds the credentials of {target.name}.")
        voice.say("you and colleague logged in, each with a one-time code of their own.")
        if chat is not None:
            voice.say("It asks for approvals in a pretend Slack on this machine. Open it:")
            voice.say(chat.page)
        yield staged


# --- the incident -------------------------------------------------------------------------------


def _declare(voice: Voice, staged: Stage, target: Target) -> str:
    voice.title("You declare an incident")
    title = target.words[0]
    voice.typed(f'interlock incident open "{title}" --severity sev2')
    incident = staged.ask("you", client.declare_incident(title, "sev2"))
    staged.ask("you", client.assign_role(incident["id"], "colleague", "responder"))
    voice.say(f"✔ {incident['id']} is open; you command, colleague responds", "good")
    return str(incident["id"])


def _refused(voice: Voice, staged: Stage, target: Target, incident: str) -> None:
    """Try a write disguised as a read, as a hostile or hasty notebook would."""
    voice.title("Somebody tries a write that looks like a read")
    voice.quoted(target.disguised)
    before = target.count()
    try:
        _attempt(staged, target, incident)
        voice.say("✖ It was not refused. That is a defect; please report it.", "bad")
    except Denied as error:
        voice.refused(error)
    voice.say(f"{target.table}: {before:,} rows before, {target.count():,} after")


def _attempt(staged: Stage, target: Target, incident: str) -> None:
    """Ask the disguised write in an ad-hoc run, and record how that ended."""
    source = f'query("{target.name}", """{target.disguised}""")'
    asked = NewRun(incident, "", {}, {}, this_runner(), notebook=source)
    answer = staged.ask("you", client.start_run(asked))
    run = answer["run"]["id"]
    with staged.world.connect(staged.home.url, answer["token"]) as gateway:
        cell = {"source": source, "kind": "query", "title": "How many orders are there?"}
        attempt = gateway.send(client.start_step(run, "look", cell))["attempt"]
        place = Place(run, "look", attempt, 0)
        try:
            gateway.send(client.ask_query(place, target.name, target.disguised, {}))
        except InterlockError as error:
            told = {"name": type(error).__name__, "message": str(error), "traceback": ""}
            record = {"state": "failed", "elapsed_ms": 0, "error": told}
            gateway.send(client.end_step(run, "look", attempt, record))
            raise
        finally:
            gateway.send(client.end_run(run, "failed", "the read was refused"))


def _run(voice: Voice, staged: Stage, target: Target, incident: str, wishes: Wishes) -> int:
    voice.title("You run the runbook for it")
    values = [f"{name}={value}" for name, value in target.params.items()]
    voice.typed(f"interlock run {target.runbook} -i {incident} {' '.join(values)}")
    book = load(staged.ask("you", client.runbook(target.runbook))["notebook"], target.runbook)
    order = ordered(book, incident, target.params)
    errand = granted(staged.world, staged.people["you"], book, order)
    changed = changed_targets(book, errand.granted["params"])
    chooser = Chooser(staged.world, book, changed, act=tuple(changed))
    if wishes.interactive and changed:
        _invite(voice, staged)
    result = asyncio.run(_with_colleague(voice, staged, errand, chooser, wishes))
    code = exit_code(result, book)
    # Without a database to mend, bad findings are what there is to see.
    return refusal.OK if code == refusal.FINDING_BAD and not target.waiting else code


async def _with_colleague(
    voice: Voice, staged: Stage, errand: Errand, chooser: Chooser, wishes: Wishes
) -> RunResult:
    """Run the errand while the colleague, unless that is the newcomer, waits for a request."""
    if wishes.interactive:
        return await errand.go(chooser)
    chat = staged.chat
    deciding = chat.approve(voice) if chat is not None else approve(staged, voice)
    colleague = asyncio.create_task(deciding)
    try:
        return await errand.go(chooser)
    finally:
        colleague.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await colleague


def _invite(voice: Voice, staged: Stage) -> None:
    if staged.chat is not None:
        voice.say("\nYou are colleague too: open this in a browser and press Approve.", "strong")
        voice.say(f"{staged.chat.page}\n")
        return
    voice.say(
        "\nYou are colleague too: open this in a browser and log in with the code.", "strong"
    )
    voice.say(f"{staged.home.url}/approvals   code {staged.code('colleague')}\n")


def _prove(voice: Voice, target: Target) -> None:
    voice.title("Asked of the database itself, not of Interlock")
    left = target.waiting() if target.waiting else 0
    voice.say(f"{left} sessions wait for a lock", "bad" if left else "good")


def _ended_in_slack(voice: Voice, chat: Chat, target: Target) -> int:
    """Show what the message in Slack has become."""
    voice.title("The message in Slack, now without its buttons")
    if not target.waiting:
        voice.say("In the read-only story nothing is asked there. Install PostgreSQL to see it.")
        return refusal.OK
    said = chat.how_it_ended()
    if not said:
        voice.say("✖ It never said how it ended. That is a defect; please report it.", "bad")
        return refusal.FAILED
    voice.quoted(said)
    return refusal.OK


def _close(voice: Voice, staged: Stage, target: Target, incident: str) -> None:
    voice.title("You note why, and close the incident")
    _, cause, reason = target.words
    voice.typed(f'interlock note {incident} "{cause}"')
    staged.ask("you", client.add_note(incident, cause))
    voice.typed(f'interlock incident close {incident} --reason "{reason}"')
    staged.ask("you", client.close_incident(incident, reason))


def _write_up(voice: Voice, staged: Stage, incident: str, folder: Path) -> None:
    voice.title("The timeline, written up")
    folder.mkdir(parents=True, exist_ok=True)
    for form, use in FORMS.items():
        with staged.client("you") as gateway:
            text = gateway.text(client.export(incident, form))
        path = folder / f"{incident}.{form}"
        path.write_text(text, "utf-8")
        size = f"{len(text) / 1000:.0f} kB"
        voice.say(f"{_short(path, staged.world.cwd):<28} {size:>7}  {use}")


def _verify(voice: Voice, staged: Stage, incident: str, folder: Path) -> int:
    voice.title("And what proves that nothing was changed or left out")
    path = folder / f"{incident}.bundle.zip"
    with staged.client("you") as gateway:
        path.write_bytes(gateway.content(client.bundle(incident)))
    voice.typed(f"interlock verify {_short(path, staged.world.cwd)}")
    found = list(bundle_findings(files_of(path)))
    wrong = [one for one in found if not one.holds]
    for one in wrong:
        voice.say(f"✖ {one.about}: {one.text}", "bad")
    for about in ("length", "checkpoint"):
        told = next((one for one in found if one.about == about and one.holds), None)
        if told is not None:
            voice.say(f"✔ {told.text}", "good")
    if wrong:
        voice.say("That is a defect; please report it.", "bad")
        return refusal.FAILED
    voice.say("✔ Everything in it holds. It brings its own verify.py.", "good")
    return refusal.OK


# --- afterwards ---------------------------------------------------------------------------------


def _linger(voice: Voice, staged: Stage) -> None:
    voice.title("Look around; Ctrl-C ends it")
    if staged.chat is not None:
        voice.say(f"{staged.chat.page}   the pretend Slack")
    for person in staged.people:
        voice.say(f"{staged.home.url}   {person}: code {staged.code(person)}")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)


def _what_next(world: World, wishes: Wishes) -> None:
    page = _short(wishes.folder / "INC-1.html", world.cwd)
    world.say()
    world.say(f"Next  open {page} in a browser")
    world.say("      interlock demo --interactive   you approve, in the browser")
    world.say("      interlock demo --slack --interactive   or in a pretend Slack")
    world.say("      interlock up                   a gateway of your own")


def _short(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as folder:
        yield Path(folder)
