"""Whole runs in real kernels: what is recorded, in which order, and what never counts as done."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from interlock.client import Call
from interlock.conclusion import Finding
from interlock.errors import Denied, Unavailable
from interlock.runbook import Step
from interlock.runner.progress import (
    Bounds,
    Progress,
    RunEnded,
    RunResult,
    RunStarted,
    Skip,
    StepEnded,
    StepSkipped,
    StepStarted,
)
from interlock.runner.run import run
from scripted_gateway import Reply, ScriptedGateway, answer, step, work

pytestmark = pytest.mark.kernel

QUICK = Bounds(frozen_s=1.0, interrupt_s=1.0, gateway_s=5.0)

LOOK = """
from interlock import finding, params, query
rows = query("orders", "SELECT … WHERE waiting_s >= :min", min=params.min_block_s)
finding(rows, bad=rows.any("victims", ">=", 5), ok="nobody is blocked",
        text="{pid} blocks {victims}", next="terminate-root")
"""
AFTER = step("print('still here')", "after")


async def ran(*steps: Step, **script: list[Reply]) -> tuple[RunResult, ScriptedGateway]:
    """Run `steps` against a gateway that blocks nobody, unless scripted otherwise."""
    scripted = {f"/{path}": replies for path, replies in script.items()}
    gateway = ScriptedGateway({"/queries": [answer()], **scripted})
    return await run(work(*steps), gateway, bounds=QUICK), gateway


def only(result: RunResult) -> StepEnded:
    """Return the first step of a run, which ended."""
    first = result.steps[0]
    assert isinstance(first, StepEnded)
    return first


def text_of(ended: StepEnded) -> str:
    """Return what a step printed."""
    return "".join(record.get("text", "") for record in ended.outputs)


# --- the happy path ---------------------------------------------------------------------------


async def test_each_step_is_recorded_before_it_runs_and_again_when_it_has_ended() -> None:
    told: list[Progress] = []
    gateway = ScriptedGateway({"/queries": [answer([28073, 5])]})
    result = await run(work(step(LOOK), AFTER), gateway, tell=told.append)
    assert gateway.paths == [
        "runs/R-1/steps/blockers/start",
        "queries",
        "runs/R-1/steps/blockers/1/end",
        "runs/R-1/steps/after/start",
        "runs/R-1/steps/after/1/end",
        "runs/R-1/end",
    ]
    assert [type(what) for what in told] == [
        *(RunStarted, StepStarted, StepEnded, StepStarted, StepEnded, RunEnded),
    ]
    assert result.outcome == "completed"
    assert result.findings == {"blockers": Finding("bad", "28073 blocks 5", "terminate-root")}


async def test_the_record_holds_source_finding_outputs_and_time() -> None:
    _, gateway = await ran(step(LOOK + "print(rows)"))
    start, end = gateway.asked("/start")[0], gateway.ends[0]
    assert start["source"] == LOOK + "print(rows)"
    assert start["source_digest"] == step(LOOK + "print(rows)").source_digest
    assert (end["state"], end["finding"]["text"]) == ("ok", "nobody is blocked")
    assert "0 rows" in end["outputs"][0]["text"]
    assert end["elapsed_ms"] > 0


async def test_parameters_reach_the_notebook_as_values_and_calls_as_typed_values() -> None:
    _, gateway = await ran(step(LOOK))
    assert gateway.asked("/queries")[0]["params"] == {"min": {"type": "integer", "value": 5}}


async def test_a_finding_on_cut_data_is_unknown() -> None:
    result, gateway = await ran(step(LOOK), queries=[answer([1, 9], truncated="rows (1)")])
    assert only(result).state == gateway.ends[0]["state"] == "unknown"


async def test_a_cell_of_sql_asks_and_keeps_its_rows() -> None:
    source = "%%sql orders rows <<\nSELECT pid FROM x WHERE waiting_s >= :min_block_s"
    after = step("print(rows[0].pid)", "after")
    result, gateway = await ran(step(source), after, queries=[answer([7, 1])])
    asked = gateway.asked("/queries")[0]
    assert asked["sql"] == "SELECT pid FROM x WHERE waiting_s >= :min_block_s"
    assert asked["params"] == {"min_block_s": {"type": "integer", "value": 5}}
    assert gateway.ends[1]["outputs"][0]["text"] == "7\n"
    assert result.outcome == "completed"


# --- what is run, and what is left out --------------------------------------------------------


async def test_a_step_that_is_not_automatic_is_run_only_when_chosen() -> None:
    asked: list[tuple[str, str]] = []
    act = step("1", "terminate-root", kind="action", auto=False)
    check = step("1", "check", needs=("terminate-root",))

    async def choose(which: Step, findings: Mapping[str, Finding]) -> Skip:
        asked.append((which.id, findings["blockers"].next))
        return Skip("not needed")

    gateway = ScriptedGateway({"/queries": [answer([1, 5])]})
    result = await run(work(step(LOOK), act, check), gateway, choose=choose)
    assert asked == [("terminate-root", "terminate-root")]
    assert [type(past) for past in result.steps] == [StepEnded, StepSkipped, StepSkipped]
    assert [end["state"] for end in gateway.ends] == ["bad", "skipped", "skipped"]
    assert gateway.ends[1]["error"]["message"] == "not needed"
    assert "terminate-root" in gateway.ends[2]["error"]["message"]
    assert result.outcome == "completed"


async def test_nobody_to_ask_means_left_out() -> None:
    result, _ = await ran(step("1", "act", kind="action", auto=False))
    assert isinstance(result.steps[0], StepSkipped)


async def test_a_failure_stops_the_run_unless_the_step_says_to_go_on() -> None:
    result, gateway = await ran(step("1/0"), AFTER)
    assert (result.outcome, len(gateway.ends)) == ("failed", 1)
    assert "1 failed, 1 not run" in result.summary
    result, gateway = await ran(step("1/0", on_fail="continue"), AFTER)
    assert (result.outcome, len(gateway.ends)) == ("failed", 2)
    assert gateway.ends[1]["outputs"][0]["text"] == "still here\n"


# --- how steps fail ---------------------------------------------------------------------------


async def test_a_raised_error_is_recorded_with_its_traceback_in_plain_text() -> None:
    result, gateway = await ran(step("def look():\n    raise KeyError('gone')\nlook()"))
    error = gateway.ends[0]["error"]
    assert (only(result).state, error["name"]) == ("failed", "KeyError")
    assert "look()" in error["traceback"]
    assert "\x1b" not in json.dumps(gateway.ends)


async def test_an_endless_message_is_cut_in_its_middle() -> None:
    _, gateway = await ran(step("raise ValueError('start' + 'x' * 1_000_000 + 'end')"))
    error = gateway.ends[0]["error"]
    assert error["message"].startswith("startx")
    assert error["message"].endswith("xend")
    assert len(json.dumps(error)) < 40_000


async def test_a_refusal_keeps_its_code_for_whoever_started_the_run() -> None:
    refused = Denied("That is no read.", code="not-read-only")
    result, _ = await ran(step(LOOK), queries=[refused])
    assert only(result).state == "failed"
    assert result.codes == ("not-read-only",)


async def test_a_finding_before_an_error_does_not_make_the_step_succeed() -> None:
    result, _ = await ran(step(LOOK + "\n1/0"))
    assert only(result).state == "failed"
    assert result.outcome == "failed"


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import os; print('last', flush=True); os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ],
)
async def test_a_kernel_that_dies_fails_its_step_and_ends_the_run_at_once(
    source: str, how: str
) -> None:
    result, gateway = await ran(step(source, on_fail="continue"), AFTER)
    end = gateway.ends[0]
    assert (end["state"], end["error"]["name"]) == ("failed", "kernel_died")
    assert how in end["error"]["message"]
    assert result.outcome == gateway.asked("R-1/end")[0]["outcome"] == "kernel_died"
    assert end["elapsed_ms"] < 1000
    assert len(gateway.ends) == 1


async def test_a_kernel_that_died_between_steps_fails_the_next() -> None:
    dying = "import os, threading; threading.Timer(0.2, lambda: os._exit(0)).start()"
    gateway = Slow()
    result = await run(work(step(dying), AFTER), gateway, bounds=QUICK)
    assert result.outcome == "kernel_died"
    assert gateway.ends[1]["error"]["name"] == "kernel_died"


async def test_a_frozen_kernel_is_noticed_by_its_heartbeat_and_killed() -> None:
    source = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    result, gateway = await ran(step(source), AFTER)
    assert gateway.ends[0]["error"]["name"] == "kernel_frozen"
    assert (gateway.ends[0]["state"], result.outcome) == ("failed", "kernel_died")


async def test_a_step_without_end_is_interrupted_and_the_next_one_can_go_on() -> None:
    endless = step("while True: pass", timeout_s=1, on_fail="continue")
    result, gateway = await ran(endless, AFTER)
    assert gateway.ends[0]["state"] == "timed_out"
    assert "1 s (timeout_s)" in gateway.ends[0]["error"]["message"]
    assert gateway.ends[1]["outputs"][0]["text"] == "still here\n"
    assert result.outcome == "failed"


async def test_a_step_that_ignores_the_interrupt_is_killed() -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    result, gateway = await ran(step(stubborn, timeout_s=1), AFTER)
    assert gateway.ends[0]["state"] == "timed_out"
    assert "was killed" in gateway.ends[0]["error"]["message"]
    assert result.outcome == "kernel_died"


async def test_a_step_waiting_for_a_slow_target_ends_at_its_deadline() -> None:
    gateway = Slow(queries_s=30)
    waiting = step(LOOK, timeout_s=1, on_fail="continue")
    result = await run(work(waiting, step(LOOK, "again", timeout_s=1)), gateway, bounds=QUICK)
    assert [end["state"] for end in gateway.ends] == ["timed_out", "timed_out"]
    assert result.outcome == "failed"


# --- outputs ----------------------------------------------------------------------------------


async def test_twenty_thousand_flushed_writes_are_all_there_though_the_runner_is_busy() -> None:
    asyncio.get_running_loop().call_later(0.6, time.sleep, 1.5)
    result, _ = await ran(step("for i in range(20_000): print(i, flush=True)"))
    assert text_of(only(result)).split() == [str(n) for n in range(20_000)]
    assert only(result).truncated == ""


async def test_printing_without_end_is_stopped_at_its_limit() -> None:
    result, gateway = await ran(step("while True: print('x' * 10_000)", on_fail="continue"), AFTER)
    end = gateway.ends[0]
    assert (end["state"], end["error"]["name"]) == ("failed", "output_limit")
    assert "16,777,216 bytes (flood_bytes)" in end["error"]["message"]
    assert "the limit is 1,048,576 bytes a step" in end["output_truncated"]
    assert len(json.dumps(end["outputs"])) < 1_200_000
    assert only(result).state == "failed"
    assert gateway.ends[1]["outputs"][0]["text"] == "still here\n"


async def test_one_huge_print_leaves_in_pieces_and_is_stopped_too() -> None:
    result, _ = await ran(step("print('x' * 200_000_000)\nprint('end')"))
    assert only(result).error is not None
    assert only(result).error.name == "output_limit"  # type: ignore[union-attr]  # a missing error fails the test too


async def test_one_output_larger_than_a_message_may_be_is_said_to_be_lost() -> None:
    source = "from IPython.display import display, HTML\ndisplay(HTML('x' * 9_000_000))"
    bounds = Bounds(settle_s=1.0)
    gateway = ScriptedGateway()
    result = await run(work(step(source), AFTER), gateway, bounds=bounds)
    assert (only(result).state, result.outcome) == ("failed", "kernel_died")
    assert "8,388,608 bytes" in gateway.ends[0]["error"]["message"]


async def test_an_invalid_display_is_an_error_of_that_display_alone() -> None:
    source = (
        "from IPython.display import publish_display_data\n"
        "publish_display_data({'image/png': {'no': 'image'}})\nprint('on')"
    )
    result, _ = await ran(step(source))
    kinds = [record["kind"] for record in only(result).outputs]
    assert (only(result).state, kinds) == ("ok", ["error", "stream"])


async def test_what_is_printed_after_its_step_ended_is_no_part_of_the_next() -> None:
    source = (
        "import threading, time\n"
        "def late():\n    time.sleep(0.3)\n    print('too late', flush=True)\n"
        "threading.Thread(target=late).start()"
    )
    result, _ = await ran(
        step(source), step("import time; time.sleep(0.8); print('mine')", "after")
    )
    after = result.steps[1]
    assert isinstance(after, StepEnded)
    assert text_of(after) == "mine\n"
    assert "came after their step had ended" in result.summary


# --- calls ------------------------------------------------------------------------------------


async def test_a_call_between_steps_is_refused() -> None:
    source = (
        "import threading, time, interlock\n"
        "said = []\n"
        "def late():\n"
        "    time.sleep(0.2)\n"
        "    try: interlock.query('orders', 'SELECT 1')\n"
        "    except interlock.Denied as error: said.append(error.code)\n"
        "threading.Thread(target=late).start()"
    )
    gateway = Slow(start_s=0.6)
    result = await run(work(step(source), step("print(said)", "after")), gateway, bounds=QUICK)
    assert text_of(result.steps[1]) == "['no-step-running']\n"  # type: ignore[arg-type]  # a missing step fails the test too
    assert "queries" not in gateway.paths


async def test_two_calls_at_once_are_one_too_many() -> None:
    source = (
        "import threading, time, interlock\n"
        "def ask(): interlock.query('orders', 'SELECT 1')\n"
        "thread = threading.Thread(target=ask); thread.start(); time.sleep(0.1)\n"
        "try: ask()\n"
        "except interlock.Denied as error: print(error.code)\n"
        "thread.join()"
    )
    gateway = Slow(queries_s=0.5)
    result = await run(work(step(source)), gateway, bounds=QUICK)
    assert text_of(only(result)) == "call-in-progress\n"
    assert gateway.paths.count("queries") == 1


# --- the kernel's surroundings ----------------------------------------------------------------


async def test_a_kernel_inherits_nothing_but_the_allow_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("INTERLOCK_TOKEN", "PGPASSWORD", "ORDERS_DSN", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "secret-value")
    source = (
        "import os; print(*(f'{name}={value}' for name, value in os.environ.items()), sep='\\n')"
    )
    result, _ = await ran(step(source))
    told = text_of(only(result))
    names = {line.partition("=")[0] for line in told.split("\n") if line}
    kept = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME", "TMPDIR", "INTERLOCK_FD"}
    by_ipykernel = {"TERM", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "PAGER", "GIT_PAGER"}
    assert names <= kept | by_ipykernel | {"MPLBACKEND"}
    assert "secret-value" not in told


async def test_a_kernel_works_in_a_folder_of_its_own_that_is_gone_afterwards() -> None:
    result, _ = await ran(
        step("import os; print(os.getcwd(), os.path.expanduser('~'), sep='\\n')")
    )
    work_folder, home = text_of(only(result)).split()
    assert Path(work_folder).parent == Path(home).parent
    assert not Path(work_folder).parent.exists()


async def test_a_kernel_holds_no_descriptor_of_its_runner_but_the_one_socket() -> None:
    source = (
        "import os\n"
        "for fd in os.listdir('/proc/self/fd'):\n"
        "    try: print(fd, os.readlink(f'/proc/self/fd/{fd}'))\n"
        "    except OSError: pass"
    )
    descriptor = os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    result, _ = await ran(step(source))
    os.close(descriptor)
    assert "/dev/zero" not in text_of(only(result))


async def test_a_kernel_opens_no_port() -> None:
    """Other processes could connect to a port; Unix sockets in a private folder they cannot."""
    source = (
        "import os, socket, stat\n"
        "def family(n):\n"
        "    try:\n"
        "        is_socket = stat.S_ISSOCK(os.fstat(n).st_mode)\n"
        "    except OSError:\n"
        "        return 'closed'\n"
        "    return socket.socket(fileno=os.dup(n)).family.name if is_socket else 'none'\n"
        "found = [family(n) for n in range(512)]\n"
        "print(sorted(set(found)), found.count('AF_UNIX') > 5)"
    )
    result, _ = await ran(step(source))
    assert text_of(only(result)) == "['AF_UNIX', 'closed', 'none'] True\n"


@pytest.mark.parametrize("then", ["", "; import os, time; time.sleep(0.3); os._exit(1)"])
async def test_nothing_a_kernel_started_outlives_it(then: str) -> None:
    source = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    result, _ = await ran(step(source + then))
    cmdline = Path(f"/proc/{text_of(only(result)).strip()}/cmdline")
    await until(lambda: not cmdline.exists() or not cmdline.read_bytes())  # gone, or a zombie


# --- the gateway goes away --------------------------------------------------------------------


async def test_a_step_that_cannot_be_recorded_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    gateway = ScriptedGateway()
    gateway.down = True
    steps = work(step(f"open({str(mark)!r}, 'w')"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await run(steps, gateway, bounds=Bounds(gateway_s=0.3))
    assert not mark.exists()


async def test_a_gateway_that_comes_up_late_is_waited_for() -> None:
    gateway = ScriptedGateway({"/queries": [answer()]})
    gateway.down = True
    asyncio.get_running_loop().call_later(1.5, setattr, gateway, "down", False)
    result = await run(work(step(LOOK)), gateway, bounds=QUICK)
    assert result.outcome == "completed"


async def test_a_gateway_that_refuses_to_record_stops_the_run() -> None:
    closed = Denied("INC-1 is closed.", code="incident-closed")
    with pytest.raises(Denied, match="INC-1 is closed"):
        await ran(step("1"), start=[closed])


# --- cancelling -------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(60)", LOOK])
async def test_cancelling_interrupts_records_and_then_goes_on(source: str) -> None:
    gateway = Slow(queries_s=30)
    going = asyncio.create_task(run(work(step(source), AFTER), gateway, bounds=QUICK))
    await until(lambda: "runs/R-1/steps/blockers/start" in gateway.paths)
    await asyncio.sleep(0.3)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert [end["state"] for end in gateway.ends] == ["cancelled"]
    assert gateway.asked("R-1/end")[0]["outcome"] == "cancelled"


async def test_a_run_leaves_the_host_s_signal_handlers_alone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    await ran(step("1"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# --- what the tests above need ----------------------------------------------------------------


class Slow(ScriptedGateway):
    """Takes its time over answers to queries, or to the start of later steps."""

    def __init__(self, queries_s: float = 0, start_s: float = 0.5) -> None:
        super().__init__({"/queries": [answer()]})
        self._queries_s, self._start_s = queries_s, start_s

    async def send(self, call: Call) -> dict[str, Any]:
        answered = await super().send(call)
        if call.path.endswith("/queries"):
            await asyncio.sleep(self._queries_s)
        if call.path.endswith("/after/start"):
            await asyncio.sleep(self._start_s)
        return answered


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to be so, but not for long."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  what is waited for is a list in a fake
            await asyncio.sleep(0.01)
