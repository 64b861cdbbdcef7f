"""Forks gateways from a process that has imported one, so that a kill costs no second start.

Importing takes longer than everything a short-lived gateway does. Each line on standard input is
a JSON command: `{"run": arguments, "log": path, "env": {…}}` forks a process that does what
`python -m interlock_gateway arguments` does and answers its pid; `{"wait": pid}` answers its exit
code, once it has ended. Every child ends when standard input does.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from interlock_gateway.__main__ import main

from support import dying


def born(order: dict[str, Any]) -> int:
    """Fork a gateway and return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        _redirect(order["log"])
        os.environ.update(order["env"])
        if dying.TURN in order["env"]:
            dying.install(int(order["env"][dying.TURN]))
        code = main(order["run"])
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)  # never back into the nursery's own loop


def _redirect(log: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)


def waited(pid: int) -> int:
    """Return how a child ended: its exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def serve() -> None:
    """Do what standard input says until it ends; then end every child."""
    alive: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            answer = born(order)
            alive.add(answer)
        else:
            answer = waited(order["wait"])
            alive.discard(order["wait"])
        print(answer, flush=True)  # noqa: T201  the answer to the command
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201  whoever started this waits for it
    serve()
