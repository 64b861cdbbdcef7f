"""Damaged and hostile bundles: each is a finding or a clear error, and none steers a terminal."""

import random
import zipfile
from pathlib import Path

import pytest
from interlock.proof import ProofError, block_findings
from interlock.proof.bundle_checks import Files, bundle_findings, files_of, main
from support import proofs

SAMPLE = Path(__file__).parents[3] / "docs" / "sample" / "INC-1.bundle.zip"
DEEP = b"[" * 200_000 + b"\n"


def packed(path: Path, content: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, one in content.items():
            bundle.writestr(name, one)
    return path


@pytest.mark.parametrize("seed", range(200))
def test_a_flipped_bit_is_found_or_changes_no_file(seed: int, tmp_path: Path) -> None:
    chosen, damaged = random.Random(seed), bytearray(SAMPLE.read_bytes())  # noqa: S311  a place to damage, no secret
    damaged[chosen.randrange(len(damaged))] ^= 1 << chosen.randrange(8)
    path = tmp_path / "damaged.zip"
    path.write_bytes(damaged)
    try:
        found = files_of(path)
    except ProofError:
        return  # it says that it cannot be read
    whole = all(one.holds for one in bundle_findings(found))
    assert whole == (found == files_of(SAMPLE))


@pytest.mark.parametrize("name", ["manifest.json", "log.json", "timeline.jsonl", "parts.jsonl"])
@pytest.mark.parametrize(
    "content", [DEEP, b"Infinity\n", b"[1e999]\n", b"\xff\n", b"null\n", b"{\n", b""]
)
def test_what_no_reader_can_take_in_is_a_finding(name: str, content: bytes) -> None:
    found = list(bundle_findings({**files_of(SAMPLE), name: content}))
    assert any(not one.holds for one in found)


@pytest.mark.parametrize("entry", [None, [], "x", {"logindex": float("inf")}, {"path": [10**9]}])
@pytest.mark.parametrize("place", ["events", "also"])
def test_an_entry_of_another_shape_is_a_finding(place: str, entry: object) -> None:
    block = proofs.block(proofs.bodies(6))
    block[place] = [*block[place], entry]
    assert any(not one.holds for one in block_findings(block, "INC-1"))


def test_a_size_of_five_thousand_digits_is_no_checkpoint() -> None:
    block = proofs.block(proofs.bodies(6))
    origin, _, rest = block["checkpoint"].split("\n", 2)
    block["checkpoint"] = f"{origin}\n{'9' * 5_000}\n{rest}"
    [found] = block_findings(block, "INC-1")
    assert (found.about, found.text) == ("checkpoint", "This is no checkpoint.")


def test_the_name_of_a_file_cannot_rewrite_what_was_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "x\x1b[2K\r\n✔ Everything in it holds.\u202e"
    path = packed(tmp_path / "spoof.zip", {**files_of(SAMPLE), name: b""})
    assert main([str(path)]) == 1
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert not any(line.startswith("✔ Everything") for line in told.split("\n"))
    assert "x\\x1b[2K\\r\\n✔ Everything in it holds.\\u202e: The manifest does not list" in told


def test_an_anchor_file_that_is_no_text_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "anchor").write_bytes(b"\xff\xfe")
    assert main([str(SAMPLE), "--anchor", str(tmp_path / "anchor")]) == 2
    assert "✖ " in capsys.readouterr().err
