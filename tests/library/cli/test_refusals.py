"""Every failure reads as words, has its exit code, and is never a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from desk import Desk
from interlock import cli
from interlock.cli.app import VERBS
from interlock.cli.entry import with_fields
from interlock.cli.overview import OVERVIEW

EXITS = [
    ("not-logged-in", 401, 4),
    ("no-permission", 403, 5),
    ("not-read-only", 403, 5),
    ("incident-closed", 409, 5),
    ("approval-denied", 403, 6),
    ("approval-expired", 410, 6),
    ("approval-invalidated", 409, 6),
    ("outcome-unknown", 502, 7),
    ("runbook-not-found", 404, 2),
    ("bad-parameter", 422, 2),
    ("target-unreachable", 503, 1),
    ("store-unwritable", 503, 1),
    ("internal", 500, 1),
    ("a-code-of-tomorrow", 418, 1),
]


@pytest.mark.parametrize(("code", "status", "exit_code"), EXITS, ids=[row[0] for row in EXITS])
def test_a_refusals_code_decides_the_exit_code(
    desk: Desk, code: str, status: int, exit_code: int
) -> None:
    desk.gateway.refuses("GET /v1/incidents", status, code=code, detail="What happened.")
    result = desk.run("incident list")
    assert result.code == exit_code
    assert result.out == ""
    assert "What happened." in result.err
    assert code in result.err


def test_a_refusal_shows_the_askers_own_text_at_its_place(desk: Desk) -> None:
    shown = "  1 | SELECT $1\n    |        ^~"
    desk.gateway.refuses(
        "POST /v1/sql/explain", 422, code="bad-sql-parameters", detail="Raw.", excerpt=shown
    )
    assert desk.run("sql explain 'SELECT $1' --target orders").err.splitlines()[:3] == [
        "✖ Raw.",
        "  at      1 | SELECT $1",
        "            |        ^~",
    ]


def test_a_refusal_says_what_why_who_and_what_next(desk: Desk) -> None:
    desk.gateway.refuses(
        "POST /v1/incidents/INC-1/take",
        403,
        code="no-permission",
        detail="Observers run nothing.",
        line="permissions.csv:14",
        help="Ask who may.",
    )
    assert desk.run("incident take INC-1").err.splitlines() == [
        "✖ Observers run nothing.",
        "  why   no-permission · permissions.csv:14",
        "  who   whoever reviews changes to permissions.csv",
        "  next  Ask who may.",
    ]


def test_a_hostile_refusal_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.gateway.refuses(
        "GET /v1/incidents", 403, code="no-permission", detail="\x1b[2J\u202eevil [red]x[/red]"
    )
    err = desk.run("incident list", terminal=True).err
    assert "\x1b" not in err
    assert "\u202e" not in err
    assert "[red]x[/red]" in err


def test_a_gateway_that_is_down_is_said_to_be(desk: Desk) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    desk.gateway.routes["GET /v1/incidents"] = refuse
    result = desk.run("incident list")
    assert result.code == 1
    assert "cannot be reached" in result.err
    assert "interlock up" in result.err


def test_something_that_is_no_gateway_is_said_to_be(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = "<html>"
    assert "not JSON" in desk.run("incident list").err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("incidnet list", "Did you mean `interlock incident`?"),
        ("nonsense", "interlock --help"),
        ("incident opn", "'opn'"),
        ("incident open", "TITLE"),
        ("incident open x --severity sev9", "sev4"),
        ("incident open x --severtiy sev1", "--severity"),
        ("incident close INC-1", "--reason"),
    ],
)
def test_a_wrong_command_is_exit_code_2_and_says_what_would_be_right(
    desk: Desk, line: str, words: str
) -> None:
    result = desk.run(line)
    assert result.code == 2
    assert words in result.err
    assert desk.gateway.asked == []


def test_a_defect_is_told_as_one_and_traced_only_when_asked(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"unexpected": 1}
    result = desk.run("incident list")
    assert result.code == 1
    assert "That is a defect" in result.err
    assert "Traceback" not in result.err
    desk.environ["INTERLOCK_DEBUG"] = "1"
    assert "Traceback" in desk.run("incident list").err


def test_ctrl_c_is_exit_code_130(desk: Desk) -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    desk.gateway.routes["GET /v1/incidents"] = interrupted
    assert desk.run("incident list").code == 130


def test_a_file_that_cannot_be_written_is_named(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/export"] = "# text"
    result = desk.run("export INC-1 -o missing/folder/x.md")
    assert result.code == 1
    assert "missing/folder/x.md" in result.err


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        (["x", "--json"], ["x", "--json=*"]),
        (["x", "--json", "id,title"], ["x", "--json", "id,title"]),
        (["show", "--json", "INC-1"], ["show", "--json=*", "INC-1"]),
        (["x", "--json", "--as", "you"], ["x", "--json=*", "--as", "you"]),
        (["x", "--json=id"], ["x", "--json=id"]),
    ],
)
def test_json_takes_fields_but_need_not(given: list[str], spelt: list[str]) -> None:
    assert with_fields(given) == spelt


def test_the_overview_names_every_verb() -> None:
    words = OVERVIEW.replace("\n", " ").split()
    assert [verb for verb in VERBS if verb not in words] == []
    assert max(map(len, OVERVIEW.splitlines())) <= 80


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_needs_nothing_but_the_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["interlock", *words])
    cli.main()
    assert capsys.readouterr().out == OVERVIEW


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "cyclopts.py").write_text("raise ModuleNotFoundError('no', name='cyclopts')")
    done = _interlock(["whoami"], PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "pip install 'interlock-runbooks[run]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "interlock", "incident", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_terminal_without_unicode_gets_escapes_and_no_traceback(tmp_path: Path) -> None:
    done = _interlock(
        ["whoami"], PYTHONIOENCODING="ascii", INTERLOCK_HOME=str(tmp_path), PYTHONUTF8="0"
    )
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


def test_a_real_closed_port_is_exit_code_1() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        done = _interlock(["whoami"], INTERLOCK_URL=url, INTERLOCK_TOKEN="x")
    assert done.returncode == 1
    assert url in done.stderr
    assert "Traceback" not in done.stderr


def _interlock(words: list[str], **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  our own command, no shell
        [sys.executable, "-m", "interlock", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
