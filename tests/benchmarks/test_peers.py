"""How peers are installed and spoken to, without any of them."""

import sys
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"

ECHO = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message"}), flush=True)
        said = [{"type": "text", "text": json.dumps(asked.get("params"))}]
        failed = asked["params"].get("name") == "broken"
        result = {"content": said, "isError": failed}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def module(name: str) -> ModuleType:
    spec = spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[spec.name] = made  # a dataclass looks its own module up
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def cache() -> Any:
    return module("peer_cache")


@pytest.fixture(scope="module")
def speech() -> Any:
    return module("mcp_stdio")


def writes(folder: Path, pins: Sequence[str]) -> list[list[str]]:
    """Install by writing the pins down, one line more each time."""
    script = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    return [[sys.executable, "-c", script, str(folder / "installed"), pins[0]]]


def test_a_peer_is_installed_once_and_then_found(cache: Any, tmp_path: Path) -> None:
    peer = cache.Peer("pigeon", ("pigeon==1.0",), writes)
    folder = peer.folder(install=True, cache=tmp_path)
    (folder / "mark").touch()
    assert peer.folder(install=False, cache=tmp_path) == folder
    assert (folder / "mark").exists()


def test_another_version_is_installed_anew(cache: Any, tmp_path: Path) -> None:
    cache.Peer("pigeon", ("pigeon==1.0",), writes).folder(install=True, cache=tmp_path)
    newer = cache.Peer("pigeon", ("pigeon==1.1",), writes)
    with pytest.raises(cache.Unavailable, match="not installed yet"):
        newer.folder(install=False, cache=tmp_path)
    found = newer.folder(install=True, cache=tmp_path)
    assert (found / "installed").read_text() == "pigeon==1.1"


def test_what_cannot_be_installed_says_why_and_counts_as_absent(
    cache: Any, tmp_path: Path
) -> None:
    def fails(_folder: Path, _pins: Sequence[str]) -> list[list[str]]:
        return [[sys.executable, "-c", "import sys; sys.exit('no network')"]]

    peer = cache.Peer("pigeon", ("pigeon==1.0",), fails)
    with pytest.raises(cache.Unavailable, match="no network"):
        peer.folder(install=True, cache=tmp_path)
    with pytest.raises(cache.Unavailable, match="not installed yet"):
        peer.folder(install=False, cache=tmp_path)


def test_every_peer_has_exact_versions(cache: Any) -> None:
    for peer in (cache.DATASETTE, cache.POSTGRES_MCP, cache.DBHUB):
        for pin in peer.pins:
            _, mark, version = pin.rpartition("@" if peer is cache.DBHUB else "==")
            assert mark, pin
            assert version.replace(".", "").isdigit(), pin


def test_a_tool_is_called_and_what_the_server_says_in_between_is_passed_over(speech: Any) -> None:
    with speech.served([sys.executable, "-c", ECHO], {}) as server:
        answer = server.ask("tools/call", {"sql": "SELECT 1"})
        assert answer["content"][0]["text"] == '{"sql": "SELECT 1"}'


def test_a_tool_that_fails_is_told(speech: Any) -> None:
    with (
        speech.served([sys.executable, "-c", ECHO], {}) as server,
        pytest.raises(speech.ServerFailed, match="broken"),
    ):
        server.ask("tools/call", {"name": "broken"})


def test_a_server_that_ends_is_told_in_its_own_words(speech: Any) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such database')"]
    with (
        pytest.raises(speech.ServerFailed, match="no such database"),
        speech.served(command, {}),
    ):
        pytest.fail("It was greeted.")
