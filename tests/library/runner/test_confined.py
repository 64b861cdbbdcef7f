"""Kernels are confined before their first cell, and runs say how far."""

from pathlib import Path

import pytest
from interlock.confine import Reach, Rung
from interlock.errors import Unavailable
from interlock.runner import kernel as starting
from interlock.runner import run as running
from interlock.runner.progress import Bounds, Progress, RunResult, RunStarted, StepEnded
from interlock.runner.run import run
from scripted_gateway import ScriptedGateway, answer, step, work

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("confining")]


async def ran(*sources: str, told: list[Progress] | None = None) -> RunResult:
    """Run cells one after the other, each whether or not the one before failed."""
    steps = [step(source, f"s{place}", on_fail="continue") for place, source in enumerate(sources)]
    gateway = ScriptedGateway({"/queries": [answer()]})
    tell = (told if told is not None else []).append
    return await run(work(*steps), gateway, bounds=Bounds(gateway_s=5.0), tell=tell)


def endings(result: RunResult) -> list[str]:
    """Return what each cell printed, or the name of its error."""
    ended = [one for one in result.steps if isinstance(one, StepEnded)]
    return [one.error.name if one.error else _printed(one) for one in ended]


def _printed(ended: StepEnded) -> str:
    return "".join(record.get("text", "") for record in ended.outputs).strip()


async def test_a_run_says_how_its_kernel_is_confined() -> None:
    told: list[Progress] = []
    await ran("1", told=told)
    (started,) = [one for one in told if isinstance(one, RunStarted)]
    assert started.confinement == "confined"


async def test_a_cell_that_reaches_for_more_gets_an_error_and_the_next_one_runs() -> None:
    result = await ran(
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "open('/etc/passwd').read()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.kill(os.getppid(), 9)",
        "print('still here')",
    )
    assert endings(result) == [*["PermissionError"] * 4, "still here"]


async def test_a_cell_writes_beside_itself_and_at_home_and_nowhere_else() -> None:
    result = await ran(
        "from pathlib import Path\n"
        "import tempfile\n"
        "Path('here').write_text('x'); (Path.home() / 'there').write_text('x')\n"
        "print(tempfile.TemporaryFile().write(b'x'))",
        "Path('../connection.json').write_text('{}')",
        "Path('../reached').write_text('')",
        "Path('../kernel.log').write_text('')",
        "Path('../new').mkdir()",
    )
    assert endings(result) == ["1", *["PermissionError"] * 4]


async def test_the_kernels_own_sockets_cannot_be_replaced() -> None:
    """Else the runner, which connects again by itself, would talk to whatever a cell likes."""
    result = await ran(
        "from pathlib import Path; Path('../sockets/k-1').unlink()",
        "Path('../sockets/k-1').rename('mine')",
        "Path('../sockets/new').symlink_to('/run/other.sock')",
        "Path('../sockets/new').write_text('')",
        "print('still here')",
    )
    assert endings(result)[0] == "PermissionError"
    assert endings(result)[1] in {"PermissionError", "OSError"}  # another folder: Landlock's EXDEV
    assert endings(result)[2:] == ["PermissionError", "PermissionError", "still here"]


async def test_what_a_cell_leaves_is_removed_however_deep() -> None:
    result = await ran(
        "import os\n"
        "for _ in range(3_000):\n"
        "    os.mkdir('d'); os.chdir('d')\n"
        "print(os.environ['HOME'])"
    )
    (home,) = endings(result)
    assert home.startswith("/")
    assert not Path(home).parent.exists()


async def test_what_notebooks_need_still_works() -> None:
    result = await ran(
        "import threading, zoneinfo, sqlite3, decimal, random, ssl, asyncio, mimetypes\n"
        "assert mimetypes.guess_type('a.png')[0] == 'image/png'\n"
        "found = []\n"
        "one = threading.Thread(target=lambda: found.append(zoneinfo.ZoneInfo('Europe/Berlin')))\n"
        "one.start(); one.join()\n"
        "print(len(found), sqlite3.connect(':memory:').execute('select 1').fetchone())",
        "await asyncio.sleep(0.01); print('awaited')",
        "from interlock import query; print(len(query('orders', 'SELECT 1')))",
    )
    assert endings(result) == ["1 (1,)", "awaited", "0"]


async def test_a_kernel_that_says_it_is_confined_and_is_not_runs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "_MAIN", "lying_kernels")
    with pytest.raises(Unavailable, match="The kernel is not confined"):
        await ran("print('ran')")


async def test_a_kernel_that_cannot_be_confined_runs_nothing_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "_MAIN", "refused_kernels")
    with pytest.raises(Unavailable, match="Linux has changed its mind"):
        await ran("print('ran')")


async def test_on_a_machine_that_cannot_confine_the_run_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "probe", lambda: Reach(Rung.UNCONFINED, "This is a test."))
    told: list[Progress] = []
    result = await ran(
        "print(open('/proc/self/status').read().count('NoNewPrivs:\\t1'))", told=told
    )
    (started,) = [one for one in told if isinstance(one, RunStarted)]
    assert started.confinement == "unconfined"
    assert endings(result) == ["1"]
