"""A cell that waits for people, in a real kernel: its card, and its time that stands still."""

import asyncio
from collections.abc import Mapping

import pytest
from interlock.conclusion import Finding
from interlock.runbook import Step
from interlock.runner.progress import Bounds, RunIt, StepEnded
from interlock.runner.run import run
from scripted_gateway import Deciding, step, work

pytestmark = pytest.mark.kernel

QUICK = Bounds(frozen_s=1.0, interrupt_s=1.0, gateway_s=5.0)
ACT = "from interlock import act\nprint(act('pg.terminate_backend', target='orders', pid=1))\n"
WATCHED = """
publisher, shown = get_ipython().display_pub, []
publish = publisher.publish
def watched(data, transient, update):
    shown.append([update, data["text/plain"]])
    publish(data=data, transient=transient, update=update)
publisher.publish = watched
"""
TELL = "import json\nprint(json.dumps(shown, ensure_ascii=False))"


async def _ran(source: str, after_s: float = 1.5) -> StepEnded:
    """Run a step of one second whose action is decided on after that."""
    chosen = step(source, "terminate-root", kind="action", auto=False, timeout_s=1)

    async def choose(_: Step, __: Mapping[str, Finding]) -> RunIt:
        return RunIt()

    result = await run(work(chosen), Deciding(after_s), choose=choose, bounds=QUICK)
    (ended,) = result.steps
    assert isinstance(ended, StepEnded)
    return ended


async def test_a_wait_longer_than_the_steps_time_does_not_end_the_step() -> None:
    ended = await _ran(ACT)
    assert ended.state == "ok"
    assert ended.elapsed_ms > 1_000
    assert "succeeded, 1 affected" in str(ended.outputs[-1]["text"])


async def test_after_the_wait_the_steps_time_runs_on() -> None:
    """What was left of its second is all it has: it does not begin anew, and is not lost."""
    began = asyncio.get_running_loop().time()
    ended = await _ran(ACT + "import time\ntime.sleep(30)")
    assert ended.state == "timed_out"
    assert asyncio.get_running_loop().time() - began < 20
    assert "succeeded, 1 affected" in "".join(str(one.get("text")) for one in ended.outputs)


async def test_what_was_used_before_the_wait_is_not_given_back() -> None:
    ended = await _ran("import time\ntime.sleep(0.8)\n" + ACT + "time.sleep(0.8)")
    assert ended.state == "timed_out"


async def test_the_notebook_shows_one_card_and_folds_it_to_its_end_state() -> None:
    ended = await _ran(WATCHED + ACT + TELL)
    card, printed = ended.outputs
    assert card["kind"] == "display"
    assert str(card["text"]).startswith("✔ A-1 approved after 1.")
    assert "\n" not in str(card["text"])
    waiting, folded = str(printed["text"]).splitlines()[-1].split("], [")
    assert waiting.startswith("[[false,")
    assert folded.startswith("true,")
    for told in (
        *("A-1 waits for approver or colleague", "since 00:00:00 UTC", "until 00:15:00 UTC"),
        *("interlock approvals show A-1", "There is no approve button in a notebook"),
    ):
        assert told in waiting


async def test_a_card_whose_cell_was_stopped_does_not_look_as_if_it_waited() -> None:
    source = ACT.replace("print(", "import signal\nsignal.alarm(1)\nprint(", 1)
    stop = "import signal\ndef stop(*_):\n    raise KeyboardInterrupt\n"
    ended = await _ran(f"{stop}signal.signal(signal.SIGALRM, stop)\n{source}", after_s=4)
    assert ended.state == "failed"
    assert "does not wait any more" in str(ended.outputs[0]["text"])
