"""The same record gives the same bytes: in another process, with other hashes, elsewhere."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from interlock.export import FORMS, PROFILES, build_for, render
from sample_incident import INCIDENT, sample

HERE = Path(__file__).parent
TESTS = HERE.parents[1]


def digests() -> dict[str, str]:
    """Return a digest of every form for every profile it is made for."""
    found = {}
    for profile in PROFILES:
        told = build_for(profile, INCIDENT, sample())
        for name, form in FORMS.items():
            if profile in form.profiles:
                text = render(name, told, zone="Europe/Berlin")
                found[f"{name} {profile}"] = hashlib.sha256(text.encode()).hexdigest()
    found["marked"] = hashlib.sha256(render("md", told, marked=True).encode()).hexdigest()
    return found


@pytest.mark.parametrize(("seed", "zone"), [("0", "UTC"), ("4711", "Asia/Kathmandu")])
def test_every_form_is_the_same_in_another_process(seed: str, zone: str) -> None:
    """The seed orders sets and dicts anew, the zone is the machine's own."""
    code = "import json, test_determinism as here; print(json.dumps(here.digests()))"
    env = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": f"{TESTS}:{HERE}"}
    done = subprocess.run(  # noqa: S603  our own interpreter and our own code
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == digests()
