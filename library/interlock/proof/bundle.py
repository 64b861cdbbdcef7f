"""Evidence bundles as they are written: one zip file, the same bytes for the same content."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from importlib.resources import files as package_files
from typing import Any

from interlock.proof.bundle_checks import BUNDLE

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6
_IMPORT = "from interlock.proof.checking import ("

README = """\
Evidence of {incident}
======================

What was recorded of this incident, with what proves that it is complete and unchanged.

  python3 verify.py              checks everything (Python 3.11, and: pip install cryptography)
  python3 verify.py --key KEY    against the log's key, as you know it
  python3 verify.py --anchor F   against checkpoints that were kept elsewhere

timeline.jsonl  every event, a line each, exactly as it was recorded
parts.jsonl     what stands outside the events, a line each with its salt: statements, reasons …
evidence/       what of it is long: results, outputs
log.json        where each event stands in the log, its proofs, checkpoints and keys
manifest.json   every file with its SHA-256; manifest.note is its signature

What it does not prove: that what was recorded was true, and that the key's holder did not write
a second log. The second is proven by --anchor alone.
"""


def bundle(
    content: Mapping[str, bytes], about: Mapping[str, Any], sign: Callable[[str], str]
) -> bytes:
    """Return a bundle.

    Args:
        content: name → bytes of every file but the manifest, `verify.py` and `README.txt`.
        about: what the manifest says besides its files; `incident` and `left_out` at least.
        sign: returns the signed note of a text.
    """
    incident = str(about["incident"])
    whole = {
        **content,
        "README.txt": README.format(incident=incident).encode(),
        "verify.py": verifier(),
    }
    listed = {
        name: {"sha256": hashlib.sha256(one).hexdigest(), "size": len(one)}
        for name, one in sorted(whole.items())
    }
    said = {"schema": BUNDLE, **about, "files": listed}
    manifest = json.dumps(said, indent=1).encode() + b"\n"
    text = f"{BUNDLE}\n{incident}\n{hashlib.sha256(manifest).hexdigest()}\n"
    signed = {"manifest.json": manifest, "manifest.note": sign(text).encode()}
    return _packed({**whole, **signed})


def verifier() -> bytes:
    """Return the stand-alone `verify.py`: what checks, without an import of Interlock."""
    checking, checks = (
        package_files("interlock.proof").joinpath(name).read_text(encoding="utf-8")
        for name in ("checking.py", "bundle_checks.py")
    )
    before, _, after = checks.partition(_IMPORT)
    rest = after.partition(")\n")[2]
    return f"{checking}\n\n{before}{rest}".encode()


def _packed(content: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as packed:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = 0o644 << 16
            packed.writestr(info, content[name])
    return whole.getvalue()
