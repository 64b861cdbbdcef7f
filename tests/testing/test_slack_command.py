"""`python -m interlock.testing.slack` says where it is and stops when told to."""

import re
import signal
import subprocess
import sys
from urllib.request import urlopen


def test_it_says_where_it_is_answers_and_stops() -> None:
    command = [sys.executable, "-m", "interlock.testing.slack"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own command
        assert process.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert found
        with urlopen(found[0]) as answer:  # noqa: S310  our own loopback
            assert b"pretend Slack" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_package_loads_no_sdk_and_the_base_loads_no_server() -> None:
    code = (
        "import sys, interlock.testing\n"
        "assert not {'starlette', 'uvicorn'} & set(sys.modules)\n"
        "import interlock.testing.slack\n"
        "assert not {'slack_sdk', 'aiohttp', 'httpx'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603  our own command
    assert done.returncode == 0
