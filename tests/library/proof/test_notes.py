"""Keys, notes and checkpoints are C2SP's: published vectors, and every mangling refused."""

import base64
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from interlock.proof import (
    Checkpoint,
    ProofError,
    checkpoint_text,
    key_text,
    note_of,
    read_checkpoint,
    read_key,
    signature_line,
    signers,
)

_NOTES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8")
)["note"]
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
_PUBLIC = _PRIVATE.public_key().public_bytes_raw()
_KEY = read_key(key_text("log", _PUBLIC))


def _signed(text: str, name: str = "log") -> str:
    return note_of(text, signature_line(name, _PUBLIC, _PRIVATE.sign(text.encode())))


@pytest.mark.parametrize("case", _NOTES, ids=lambda case: str(case["key"][:12]))
def test_published_notes_are_verified(case: dict[str, Any]) -> None:
    key = read_key(case["key"])
    assert signers(case["note"], [key]) == [key]
    assert key_text(key.name, key.public) == case["key"]
    if "size" in case:
        assert read_checkpoint(case["note"]).size == case["size"]
    with pytest.raises(ProofError, match="was changed"):
        signers(case["note"].replace("is ", "was ").replace("tree", "Tree"), [key])


def test_a_note_is_written_as_the_published_one() -> None:
    case = _NOTES[0]
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(case["seed"])[1:])
    public, text = (
        private.public_key().public_bytes_raw(),
        case["note"].partition("\n\n")[0] + "\n",
    )
    line = signature_line("PeterNeumann", public, private.sign(text.encode()))
    assert note_of(text, line) == case["note"]


@given(st.integers(0, 2**60), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_reads_as_it_was_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("example.com/log", size, root)
    note = _signed(checkpoint_text(checkpoint))
    assert read_checkpoint(note) == checkpoint
    assert signers(note, [_KEY]) == [_KEY]


@given(st.data())
def test_no_other_text_bears_the_signature(data: st.DataObject) -> None:
    text = checkpoint_text(Checkpoint("log", 12, bytes(32)))
    place = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.characters(codec="ascii", exclude_characters="\n" + text[place]))
    note = _signed(text)
    forged = note[:place] + other + note[place + 1 :]
    with pytest.raises(ProofError):
        signers(forged, [_KEY])


def test_a_signature_of_another_key_of_that_name_counts_for_nothing() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    public = stranger.public_key().public_bytes_raw()
    text = checkpoint_text(Checkpoint("log", 1, bytes(32)))
    note = note_of(text, signature_line("log", public, stranger.sign(text.encode())))
    assert signers(note, [_KEY]) == []
    assert signers(_signed(text, name="other"), [_KEY]) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log",
        "log+00000000",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_mangled_key_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        read_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\nAAAA\n",
        "log\n1\n",
        "log\n01\n{root}\n",
        "log\n-1\n{root}\n",
        "log\n\uff11\n{root}\n",
        "\n1\n{root}\n",
        "log\n1\n{root}=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    with pytest.raises(ProofError):
        read_checkpoint(_signed(text.replace("{root}", root)))


def test_a_note_with_a_hundred_signatures_is_not_read() -> None:
    text = checkpoint_text(Checkpoint("log", 1, bytes(32)))
    line = signature_line("log", _PUBLIC, _PRIVATE.sign(text.encode()))
    with pytest.raises(ProofError, match="no signed note"):
        signers(note_of(text, *[line] * 100), [_KEY])
