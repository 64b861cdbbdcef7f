"""A postmortem against the record: which sentences cite, and whether that still holds."""

from pathlib import Path

from interlock import client
from interlock.cli.home import USUAL, Access
from interlock.cli.page import PLAIN, Form, Json, show_one
from interlock.cli.plain import cut, flat
from interlock.cli.world import here
from interlock.errors import UsageError
from interlock.export import Entry
from interlock.export.citations import Checked, Sentence, State, as_json, check

PAGE = 500
"""Entries asked for at once."""

BAD = frozenset({State.MISSING, State.REDACTED, State.STALE})
"""What makes a document wrong; a sentence without a citation is only unverified."""
_SHOWN = (State.MISSING, State.REDACTED, State.STALE, State.UNVERIFIED)


def verify_document(
    file: Path, incident_id: str, *, access: Access = USUAL, form: Form = PLAIN
) -> int:
    """Check the citations of a document and print what is wrong, with its line.

    Args:
        file: the Markdown file.
        incident_id: the incident it is about.
        access: which gateway is asked, as whom.
        form: how the outcome is printed.

    Returns:
        The exit code: 0, or 3 where a citation does not hold.

    Raises:
        UsageError: the file cannot be read, or its marks are damaged.
    """
    try:
        text = (here().cwd / file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read: {error}.", help="Name a Markdown file."
        ) from error
    checked = check(text, _entries(incident_id, access))
    if form.json:
        show_one(as_json(checked), [], form)
    else:
        _say(str(file), checked)
    return 3 if any(sentence.state in BAD for sentence in checked.sentences) else 0


def _entries(incident_id: str, access: Access) -> list[Entry]:
    entries: list[Json] = []
    with access.connect() as gateway:
        while True:
            after = int(entries[-1]["event"]["sequence"]) if entries else 0
            page = gateway.send(client.timeline(incident_id, after, PAGE))["entries"]
            entries += page
            if len(page) < PAGE:
                return [Entry(entry["event"], entry["parts"]) for entry in entries]


def _say(file: str, checked: Checked) -> None:
    for state in _SHOWN:
        for sentence in checked.having(state):
            here().say(_line(file, sentence), "bad" if state in BAD else "warn")
    counts = [(len(checked.having(state)), state) for state in State]
    told = "; ".join(f"{number} {state.value}" for number, state in counts if number)
    known = f" It knows events up to {checked.until}." if checked.until is not None else ""
    here().say(f"{file}: {told or 'no sentence'}.{known} The record ends at {checked.newest}.")


def _line(file: str, sentence: Sentence) -> str:
    about = ", ".join(f"[#{event}]" for event in sentence.about)
    why = f"{sentence.state.value}{f' ({about})' if about else ''}"
    return f"{flat(file)}:{sentence.line}: {why}: {cut(flat(sentence.text), 100)}"
